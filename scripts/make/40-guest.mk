# SPDX-License-Identifier: GPL-2.0
## make image               the Debian guest, build/guest/root.ext4
## make vm SCRIPT=FILE OUT=DIR   boot the guest and run FILE in it as root under recording;
##                          DIR gets console.log, script.out, script.rc, dmesg.log and log/
##                          [VARIANT=provmon|layer|vanilla|debug|kcsan] [ICOUNT=1] [CMDLINE=...]
##                          [FILES="..."] [TIMEOUT=600] [MEM=2048] [CPUS=2] [QEMU_ARGS=...]
##                          [HOSTFWD=...]; SHELL_ONLY=1 gives a shell on the terminal instead
## make run                 record an intrusion in the guest, and answer where it came from

.PHONY: image vm run

IMAGE := $(BUILD)/guest/root.ext4
GUEST_FILES := $(shell find $(TOP)/scripts/guest -type f)

$(IMAGE): $(TOP)/scripts/guest-image $(GUEST_FILES) $(DEB_STAMP) | $(DEPS)
	@$(call LOCK,image) $(TOP)/scripts/guest-image $(BUILD) $$(ls $(BUILD)/deb/*.deb 2>/dev/null)

image: $(IMAGE)

export SCRIPT OUT FILES VARIANT KERNEL ICOUNT CMDLINE TIMEOUT MEM CPUS QEMU_ARGS HOSTFWD SHELL_ONLY

vm: $(call kernel_of,$(VARIANT)) $(IMAGE)
	@BUILD=$(BUILD) $(TOP)/scripts/vm

run: $(call kernel_of,provmon) $(IMAGE) tools
	@BUILD=$(BUILD) $(TOP)/scripts/run
