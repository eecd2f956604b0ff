/* lwIP 2.2: UDP over Ethernet, IPv4, for one client. */
#ifndef LWIPOPTS_H
#define LWIPOPTS_H

/* coracle-freertos needs these three; names of servers need the fourth. */
#define NO_SYS 0
#define LWIP_NETCONN 1
#define LWIP_UDP 1
#define LWIP_DNS 1

#define LWIP_SOCKET 0
#define LWIP_TCP 0
#define LWIP_RAW 0
#define LWIP_IPV4 1
#define LWIP_IPV6 0
#define LWIP_ICMP 1
#define LWIP_DHCP 0
#define LWIP_ARP 1
/* Or only the last datagram is kept while the address of a neighbour is asked for. */
#define ARP_QUEUEING 1
#define MEMP_NUM_ARP_QUEUE 4
#define LWIP_ETHERNET 1
#define LWIP_NETIF_API 1
#define LWIP_STATS 0
#define SYS_LIGHTWEIGHT_PROT 1

/* The emulator has no name server for this name. */
#define DNS_LOCAL_HOSTLIST 1
#define DNS_LOCAL_HOSTLIST_INIT                                                                    \
    { DNS_LOCAL_HOSTLIST_ELEM("leshan.example", IPADDR4_INIT_BYTES(10, 0, 2, 2)) }
/* Ports and numbers of queries; a product has a hardware generator. */
extern unsigned int board_weak_random(void);
#define LWIP_RAND() board_weak_random()

#define MEM_ALIGNMENT 4
#define MEM_SIZE 3072
#define PBUF_POOL_SIZE 6
#define PBUF_POOL_BUFSIZE 1536
#define MEMP_NUM_UDP_PCB 3
#define MEMP_NUM_NETCONN 2
#define MEMP_NUM_NETBUF 6
#define MEMP_NUM_PBUF 6

#define TCPIP_THREAD_NAME "tcpip"
#define TCPIP_THREAD_STACKSIZE 1536 /* bytes */
#define TCPIP_THREAD_PRIO 4
#define TCPIP_MBOX_SIZE 8
#define DEFAULT_UDP_RECVMBOX_SIZE 6
#define DEFAULT_RAW_RECVMBOX_SIZE 1
#define DEFAULT_TCP_RECVMBOX_SIZE 1
#define DEFAULT_ACCEPTMBOX_SIZE 1
#define DEFAULT_THREAD_STACKSIZE 1024

#endif
