/* mps2-an385 in QEMU, for both firmwares. */
#include "board.h"

#include <string.h>

#include "FreeRTOS.h"
#include "semphr.h"
#include "task.h"

#include "lwip/etharp.h"
#include "lwip/netifapi.h"
#include "lwip/tcpip.h"
#include "netif/ethernet.h"

#include "coracle_freertos.h"
#include "lan9118.h"

/* What the crate has to know; a configuration that it cannot work with does not compile. */
CORACLE_FREERTOS_CONFIG;

#define NVIC_ENABLE (*(volatile uint32_t *)0xE000E100u)
#define NVIC_PRIORITY(number) (*(volatile uint8_t *)(0xE000E400u + (number)))
#define AIRCR (*(volatile uint32_t *)0xE000ED0Cu)
/* Both interrupts may call the kernel. */
#define PRIORITY 0x80

static void interrupt_enable(unsigned number)
{
    NVIC_PRIORITY(number) = PRIORITY;
    NVIC_ENABLE = 1u << number;
}

/* Serial port */

#define UART(offset) (*(volatile uint32_t *)(0x40004000u + (offset)))

static StaticSemaphore_t lock_memory;
static SemaphoreHandle_t lock;

void board_write(const char *text, size_t length)
{
    UART(0x10) = 16; /* rate; the emulator does not care */
    UART(0x08) = 1;  /* sends */
    while (length--) {
        while (UART(0x04) & 1) {
        }
        UART(0x00) = (uint8_t)*text++;
    }
}

void board_lock(void)
{
    if (xTaskGetSchedulerState() != taskSCHEDULER_RUNNING) return;
    taskENTER_CRITICAL();
    if (lock == NULL) lock = xSemaphoreCreateMutexStatic(&lock_memory);
    taskEXIT_CRITICAL();
    xSemaphoreTake(lock, portMAX_DELAY);
}

void board_unlock(void)
{
    if (xTaskGetSchedulerState() == taskSCHEDULER_RUNNING) xSemaphoreGive(lock);
}

static void say(const char *text)
{
    board_write(text, strlen(text));
}

void board_assert_failed(const char *file, uint32_t line)
{
    char digits[12], *digit = digits + sizeof digits;

    *--digit = 0;
    do *--digit = (char)('0' + line % 10);
    while (line /= 10);
    say("assertion failed: ");
    say(file);
    say(":");
    say(digit);
    say("\n");
    board_exit(102);
}

void vApplicationStackOverflowHook(TaskHandle_t task, char *name)
{
    (void)task;
    say("stack overflow of task ");
    say(name);
    say("\n");
    board_exit(103);
}

/* Emulator */

static int semihosting(int operation, void *block)
{
    register int r0 __asm__("r0") = operation;
    register void *r1 __asm__("r1") = block;

    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

int board_command_line(char *line, size_t size)
{
    struct {
        char *line;
        size_t size;
    } block = { line, size };

    return semihosting(0x15, &block) == 0 ? (int)block.size : -1; /* SYS_GET_CMDLINE */
}

void board_exit(uint32_t code)
{
    uint32_t block[2] = { 0x20026, code }; /* ADP_Stopped_ApplicationExit */

    for (;;) semihosting(0x20, block); /* SYS_EXIT_EXTENDED */
}

void board_reboot(void)
{
    for (;;) AIRCR = 0x05FA0004; /* SYSRESETREQ */
}

/* Network */

static struct netif interface;
static TaskHandle_t receiver;
static uint8_t received[1536], sent[1536];

static err_t output(struct netif *netif, struct pbuf *pbuf)
{
    (void)netif;
    lan9118_send(sent, pbuf_copy_partial(pbuf, sent, sizeof sent, 0));
    return ERR_OK;
}

static err_t start(struct netif *netif)
{
    static const uint8_t mac[6] = { 0x52, 0x54, 0x00, 0x12, 0x34, 0x56 };

    netif->name[0] = 'e';
    netif->name[1] = '0';
    netif->mtu = 1500;
    netif->hwaddr_len = sizeof mac;
    memcpy(netif->hwaddr, mac, sizeof mac);
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_LINK_UP;
    netif->output = etharp_output;
    netif->linkoutput = output;
    lan9118_start(mac);
    interrupt_enable(LAN9118_INTERRUPT);
    return ERR_OK;
}

static void receive(void *argument)
{
    struct pbuf *pbuf;
    size_t length;

    (void)argument;
    for (;;) {
        length = lan9118_receive(received, sizeof received);
        if (length == 0) {
            lan9118_unmask();
            ulTaskNotifyTake(pdTRUE, portMAX_DELAY);
            continue;
        }
        pbuf = pbuf_alloc(PBUF_RAW, (u16_t)length, PBUF_POOL);
        if (pbuf == NULL) continue;
        pbuf_take(pbuf, received, (u16_t)length);
        if (interface.input(pbuf, &interface) != ERR_OK) pbuf_free(pbuf);
    }
}

void board_network_start(void)
{
    ip4_addr_t address, mask, gateway;

    IP4_ADDR(&address, 10, 0, 2, 15);
    IP4_ADDR(&mask, 255, 255, 255, 0);
    IP4_ADDR(&gateway, 10, 0, 2, 2);
    tcpip_init(NULL, NULL);
    netifapi_netif_add(&interface, &address, &mask, &gateway, NULL, start, tcpip_input);
    netifapi_netif_set_default(&interface);
    netifapi_netif_set_up(&interface);
    xTaskCreate(receive, "receiver", 160, NULL, 5, &receiver);
}

unsigned int board_weak_random(void)
{
    static uint32_t state = 1;

    state = state * 1664525u + 1013904223u + xTaskGetTickCount();
    return state >> 8;
}

/* Interrupts */

#define TIMER(offset) (*(volatile uint32_t *)(0x40000000u + (offset)))
#define TIMER_INTERRUPT 8

void board_pulses_start(uint32_t period_ms)
{
    TIMER(0x08) = period_ms * (configCPU_CLOCK_HZ / 1000);
    TIMER(0x00) = (1u << 3) | 1u; /* interrupts, runs */
    interrupt_enable(TIMER_INTERRUPT);
}

/*
 * The processor rests until there is an interrupt.
 *
 * An emulator on a busy machine stands still at times, and loses ticks meanwhile: another timer, which it does not stop, tells how
 * many.
 */
#define COUNTER(offset) (*(volatile uint32_t *)(0x40001000u + (offset)))
#define COUNTS_PER_TICK (configCPU_CLOCK_HZ / configTICK_RATE_HZ)

void vApplicationIdleHook(void)
{
    static uint32_t counted;
    static TickType_t due;
    uint32_t elapsed;

    if (COUNTER(0x00) == 0) {
        COUNTER(0x08) = 0xFFFFFFFFu; /* counts down, over and over */
        COUNTER(0x04) = 0xFFFFFFFFu;
        COUNTER(0x00) = 1u;
        due = xTaskGetTickCount();
    }
    elapsed = (~COUNTER(0x04) - counted) / COUNTS_PER_TICK;
    counted += elapsed * COUNTS_PER_TICK;
    due += elapsed;
    if ((int32_t)(due - xTaskGetTickCount()) > 1) xTaskCatchUpTicks(due - xTaskGetTickCount() - 1);
    __asm__ volatile("dsb\n wfi" ::: "memory");
}

void board_interrupt(int number)
{
    BaseType_t woken = pdFALSE;

    if (number == LAN9118_INTERRUPT) {
        lan9118_mask();
        if (receiver != NULL) vTaskNotifyGiveFromISR(receiver, &woken);
    } else if (number == TIMER_INTERRUPT) {
        TIMER(0x0C) = 1;
        woken = board_on_pulse();
    } else {
        say("an interrupt that nobody has asked for\n");
        board_exit(99);
    }
    portYIELD_FROM_ISR(woken);
}

/* Figures */

size_t board_heap_size(void)
{
    return configTOTAL_HEAP_SIZE;
}

size_t board_heap_peak(void)
{
    return configTOTAL_HEAP_SIZE - xPortGetMinimumEverFreeHeapSize();
}

size_t board_stack_left(const char *name)
{
    TaskHandle_t task = xTaskGetHandle(name);

    return task == NULL ? 0 : uxTaskGetStackHighWaterMark(task) * sizeof(StackType_t);
}
