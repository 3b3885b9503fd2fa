# SPDX-License-Identifier: GPL-2.0
## make tools               provmon-recorder, provctl and provq, in build/bin
## make deb                 the tools as Debian packages, in build/deb

.PHONY: tools deb

tools: $(DEPS)
	@env -u OUT $(MAKE) -s -C $(TOP)/tools BUILD=$(BUILD)

DEB_STAMP := $(STAMPS)/deb
DEB_SOURCES := $(shell find $(wildcard $(addprefix $(TOP)/,debian tools include/uapi \
	Documentation/man LICENSES)) -type f -not -path '*/testing/*' 2>/dev/null)

# Without packaging there is nothing to install in the guest, which is no error.
$(DEB_STAMP): $(TOP)/scripts/build-deb $(DEB_SOURCES) | $(DEPS)
	@$(call LOCK,deb) $(TOP)/scripts/stamped $@ $(TOP)/scripts/build-deb $(BUILD)

deb: $(DEB_STAMP)
