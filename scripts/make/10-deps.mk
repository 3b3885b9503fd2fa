# SPDX-License-Identifier: GPL-2.0
# What the machine has to have: installed once, and looked at again when the list changes.

DEPS := $(STAMPS)/deps

$(DEPS): $(TOP)/scripts/install-deps
	@mkdir -p $(STAMPS)
	@$(TOP)/scripts/install-deps
	@touch $@
