# SPDX-License-Identifier: GPL-2.0
## make                     all: the recording kernel and the tools
## make tree                the kernel's source with our series and files, build/linux-6.12
## make series              fold edits in build/linux-6.12 back into kernel/6.12
## make kernel              the recording kernel; VARIANT=provmon|vanilla|debug|kcsan|all chooses
##                          (layer is provmon booted with no module; vanilla-debug and vanilla-kcsan
##                          are for comparison, and not in all)

.PHONY: tree series kernel

TREE_STAMP := $(STAMPS)/tree-$(KERNEL)
# The in-tree files that exist: a new one has to be linked in, which no time stamp tells.
LINKS := $(wildcard $(addprefix $(TOP)/,include/linux/provenance*.h include/uapi/linux/provenance*.h \
	security/provenance tools/testing/selftests/provenance Documentation/security/provenance))
LINKS_FILE := $(STAMPS)/links
$(shell mkdir -p $(STAMPS); echo "$(LINKS)" | cmp -s - $(LINKS_FILE) || \
	echo "$(LINKS)" > $(LINKS_FILE))

$(TREE_STAMP): $(TOP)/scripts/prepare-tree $(LINKS_FILE) $(wildcard $(TOP)/kernel/$(KERNEL)/series \
		$(TOP)/kernel/$(KERNEL)/*.patch) | $(DEPS)
	@$(call LOCK,tree) $(TOP)/scripts/stamped $@ $(TOP)/scripts/prepare-tree $(KERNEL) $(BUILD)

tree: $(TREE_STAMP)

series: | $(DEPS)
	@$(call LOCK,tree) $(TOP)/scripts/refresh-series $(KERNEL) $(BUILD)

# What the vanilla kernel is made of does not change with the series.
VANILLA_STAMP := $(STAMPS)/vanilla-$(KERNEL)
$(VANILLA_STAMP): | $(DEPS)
	@$(call LOCK,tree) $(TOP)/scripts/prepare-tree $(KERNEL) $(BUILD) vanilla
	@touch $@

# Everything that a kernel is made of.  Files in the tree that the series touches are among it, so
# that an edit there is built before it is folded into the series.
KERNEL_SCRIPTS := $(addprefix $(TOP)/scripts/,build-kernel kernel-config kcc)
OWN_FILES := $(shell find $(filter-out %/Documentation/security/provenance %/selftests/provenance,$(LINKS)) -type f 2>/dev/null)
SERIES_FILES := $(shell cut -c67- $(BUILD)/linux-$(KERNEL)/.provenance-files 2>/dev/null)
PATCHED := $(wildcard $(addprefix $(BUILD)/linux-$(KERNEL)/,$(SERIES_FILES)))

BZIMAGE = $(BUILD)/$(KERNEL)-$(1)/arch/x86/boot/bzImage
KERNEL_STAMP = $(STAMPS)/kernel-$(KERNEL)-$(1)

define kernel_rule
$(call KERNEL_STAMP,$(1)): $$(KERNEL_SCRIPTS) $(2)
	@echo "  KERNEL  $(KERNEL)-$(1)"
	@$$(call LOCK,kernel-$(1)) $(TOP)/scripts/stamped $$@ \
		$(TOP)/scripts/build-kernel $(KERNEL) $(1) $(BUILD)
endef
COMMON_CONFIG := $(addprefix $(TOP)/kernel/config/,base.config guest.config)
OWN_CONFIG := $(COMMON_CONFIG) $(TOP)/kernel/config/provenance.config
$(eval $(call kernel_rule,vanilla,$(VANILLA_STAMP) $(COMMON_CONFIG)))
$(eval $(call kernel_rule,provmon,$(TREE_STAMP) $(OWN_CONFIG) $(OWN_FILES) $(PATCHED)))
$(foreach checked,debug kcsan, \
	$(eval $(call kernel_rule,$(checked),$(TREE_STAMP) $(OWN_CONFIG) \
		$(TOP)/kernel/config/$(checked).config $(OWN_FILES) $(PATCHED))) \
	$(eval $(call kernel_rule,vanilla-$(checked),$(VANILLA_STAMP) $(COMMON_CONFIG) \
		$(TOP)/kernel/config/$(checked).config)))

# The binary that a variant boots.
KERNEL_OF_layer := provmon
kernel_of = $(call KERNEL_STAMP,$(or $(KERNEL_OF_$(1)),$(1)))

# A variant that none of the rules above makes.
$(STAMPS)/kernel-$(KERNEL)-%:
	@echo "make: no variant '$*': provmon, layer, vanilla, debug or kcsan" >&2
	@false

ifeq ($(VARIANT),all)
kernel: $(call kernel_of,provmon) $(call kernel_of,vanilla) $(call kernel_of,debug) \
	$(call kernel_of,kcsan)
else
kernel: $(call kernel_of,$(VARIANT))
endif
