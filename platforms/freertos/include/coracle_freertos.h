/*
 * What coracle-freertos has to know of FreeRTOSConfig.h and lwipopts.h, and what it demands of them.
 *
 * One C file of the firmware includes this and has a line
 *
 *     CORACLE_FREERTOS_CONFIG;
 *
 * A configuration that the crate cannot work with does not compile; a firmware without that line does not link.
 */
#ifndef CORACLE_FREERTOS_H
#define CORACLE_FREERTOS_H

#include <stddef.h>
#include <stdint.h>

#include "FreeRTOS.h"
#include "semphr.h"
#include "task.h"

#include "lwip/api.h"
#include "lwip/init.h"
#include "lwip/opt.h"

#define CORACLE_DEMAND(condition, text) _Static_assert(condition, "coracle-freertos: " text)

CORACLE_DEMAND(tskKERNEL_VERSION_MAJOR > 10 || (tskKERNEL_VERSION_MAJOR == 10 && tskKERNEL_VERSION_MINOR >= 4),
               "FreeRTOS V10.4 or later is needed");
CORACLE_DEMAND(LWIP_VERSION_MAJOR == 2 && LWIP_VERSION_MINOR >= 1, "lwIP 2.1 or a later 2.x is needed");

CORACLE_DEMAND(configUSE_TASK_NOTIFICATIONS == 1, "set configUSE_TASK_NOTIFICATIONS to 1");
CORACLE_DEMAND(configUSE_MUTEXES == 1, "set configUSE_MUTEXES to 1");
CORACLE_DEMAND(configSUPPORT_STATIC_ALLOCATION == 1, "set configSUPPORT_STATIC_ALLOCATION to 1");
CORACLE_DEMAND(sizeof(TickType_t) == 4, "ticks must have 32 bits (configTICK_TYPE_WIDTH_IN_BITS, configUSE_16_BIT_TICKS)");
CORACLE_DEMAND(sizeof(BaseType_t) == sizeof(long) && sizeof(UBaseType_t) == sizeof(long),
               "BaseType_t must be as wide as long");
CORACLE_DEMAND(sizeof(TaskHandle_t) == sizeof(void *) && sizeof(SemaphoreHandle_t) == sizeof(void *),
               "handles must be pointers");

CORACLE_DEMAND(NO_SYS == 0 && LWIP_NETCONN == 1, "lwIP must run with an operating system (NO_SYS 0, LWIP_NETCONN 1)");
CORACLE_DEMAND(LWIP_UDP == 1, "set LWIP_UDP to 1");
CORACLE_DEMAND(sizeof(err_t) == 1, "err_t must be int8_t");
CORACLE_DEMAND(offsetof(struct netbuf, p) == 0, "struct netbuf must begin with its pbuf");

#if LWIP_IPV4 && LWIP_IPV6
#define CORACLE_ADDRESS_TYPE offsetof(ip_addr_t, type)
#else
#define CORACLE_ADDRESS_TYPE 255
#endif

struct coracle_freertos_config {
    uint32_t tick_rate_hz;
    uint16_t mutex_size;   /* bytes of StaticSemaphore_t */
    uint16_t task_size;    /* bytes of StaticTask_t */
    uint8_t address_size;  /* bytes of ip_addr_t */
    uint8_t address_type;  /* where ip_addr_t has its type; 255 when there is only one family */
    uint8_t ipv4;          /* 1 or 0 */
    uint8_t ipv6;          /* 1 or 0 */
};

#define CORACLE_FREERTOS_CONFIG                                                                    \
    extern const struct coracle_freertos_config coracle_freertos_config;                          \
    const struct coracle_freertos_config coracle_freertos_config = {                               \
        configTICK_RATE_HZ, sizeof(StaticSemaphore_t), sizeof(StaticTask_t), sizeof(ip_addr_t),    \
        CORACLE_ADDRESS_TYPE, LWIP_IPV4, LWIP_IPV6,                                                \
    }

#endif
