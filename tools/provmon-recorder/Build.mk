# SPDX-License-Identifier: GPL-2.0
SBIN_provmon-recorder := 1
LIBS_provmon-recorder := -lnl-genl-3 -lnl-3 -lsystemd -lseccomp -lcap -lpthread

# The headers of libnl include each other relative to this directory.
$(OBJ)/lib/kernel.o: override CPPFLAGS += -I/usr/include/libnl3
