# SPDX-License-Identifier: GPL-2.0
## make test                everything that CI runs (STAGES="name ..." runs some of it)
## make test-full           make test, and what takes longer
## make soak                the long runs
## make bench MICRO=1       what recording costs, in guest instructions; writes build/bench

.PHONY: test test-full soak bench

test: $(DEPS)
	@$(TOP)/scripts/test $(BUILD) $(TOP)/scripts/test-stages $(STAGES)

test-full: $(DEPS)
	@$(TOP)/scripts/test $(BUILD) $(TOP)/scripts/test-stages $(TOP)/scripts/test-stages-full $(STAGES)

soak:
	@echo "soak: will keep a guest under a mixed load for hours and compare what was recorded with" >&2
	@echo "soak: what was done; the workload does not exist yet" >&2
	@false

bench: $(DEPS)
	@$(MAKE) kernel KERNEL=$(KERNEL) VARIANT=vanilla
	@$(MAKE) kernel KERNEL=$(KERNEL) VARIANT=provmon
	@BUILD=$(BUILD) $(TOP)/scripts/bench
