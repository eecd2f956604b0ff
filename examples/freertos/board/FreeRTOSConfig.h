/* FreeRTOS V11 on the Cortex-M3 of mps2-an385. */
#ifndef FREERTOS_CONFIG_H
#define FREERTOS_CONFIG_H

#include <stdint.h>

extern void board_assert_failed(const char *file, uint32_t line);

#define configCPU_CLOCK_HZ 25000000UL
#define configTICK_RATE_HZ 1000
#define configTICK_TYPE_WIDTH_IN_BITS TICK_TYPE_WIDTH_32_BITS
#define configUSE_PREEMPTION 1
#define configUSE_TIME_SLICING 1
#define configIDLE_SHOULD_YIELD 1
#define configMAX_PRIORITIES 6
#define configMINIMAL_STACK_SIZE 96
#define configMAX_TASK_NAME_LEN 16
#define configUSE_IDLE_HOOK 1
#define configUSE_TICK_HOOK 0
#define configUSE_TIMERS 0

/* coracle-freertos needs these three. */
#define configUSE_TASK_NOTIFICATIONS 1
#define configUSE_MUTEXES 1
#define configSUPPORT_STATIC_ALLOCATION 1
#define configKERNEL_PROVIDED_STATIC_MEMORY 1

/* lwIP's port for FreeRTOS needs these. */
#define configSUPPORT_DYNAMIC_ALLOCATION 1
#define configTOTAL_HEAP_SIZE (8 * 1024)
#define configUSE_COUNTING_SEMAPHORES 1
#define configUSE_RECURSIVE_MUTEXES 1
#define INCLUDE_vTaskDelay 1
#define INCLUDE_vTaskSuspend 1
#define INCLUDE_xTaskGetCurrentTaskHandle 1

/* What is shown at the end of a run. */
#define INCLUDE_uxTaskGetStackHighWaterMark 1
#define INCLUDE_xTaskGetHandle 1
#define INCLUDE_xTaskGetSchedulerState 1
#define INCLUDE_vTaskDelete 1
#define configCHECK_FOR_STACK_OVERFLOW 2

/* QEMU's Cortex-M3 has 8 bits of priority; interrupts from 0x20 on (numerically) may call the kernel. */
#define configPRIO_BITS 8
#define configKERNEL_INTERRUPT_PRIORITY 0xFF
#define configMAX_SYSCALL_INTERRUPT_PRIORITY 0x20

#define configASSERT(x)                                                                            \
    do {                                                                                           \
        if (!(x)) board_assert_failed(__FILE__, __LINE__);                                         \
    } while (0)

/* The names of cortex-m-rt's vectors; the C firmware's table has the same ones. */
#define vPortSVCHandler SVCall
#define xPortPendSVHandler PendSV
#define xPortSysTickHandler SysTick
#define configCHECK_HANDLER_INSTALLATION 1

#endif
