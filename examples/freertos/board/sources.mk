# The C sources of a firmware, one a line: of the kernel, of lwIP, of the board. The Makefile includes this, build.rs reads it.
KERNEL_SOURCES = \
	list.c \
	queue.c \
	tasks.c \
	portable/GCC/ARM_CM3/port.c \
	portable/MemMang/heap_4.c

LWIP_SOURCES = \
	src/core/def.c \
	src/core/dns.c \
	src/core/inet_chksum.c \
	src/core/init.c \
	src/core/ip.c \
	src/core/mem.c \
	src/core/memp.c \
	src/core/netif.c \
	src/core/pbuf.c \
	src/core/sys.c \
	src/core/timeouts.c \
	src/core/udp.c \
	src/core/ipv4/etharp.c \
	src/core/ipv4/icmp.c \
	src/core/ipv4/ip4.c \
	src/core/ipv4/ip4_addr.c \
	src/core/ipv4/ip4_frag.c \
	src/api/api_lib.c \
	src/api/api_msg.c \
	src/api/err.c \
	src/api/netbuf.c \
	src/api/netifapi.c \
	src/api/tcpip.c \
	src/netif/ethernet.c \
	contrib/ports/freertos/sys_arch.c

BOARD_SOURCES = \
	board.c \
	lan9118.c \
	retained.c
