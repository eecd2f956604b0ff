/* The demo device on mps2-an385, with a main in C: FreeRTOS, lwIP and libcoracle_device.a. */
#include <stdlib.h>
#include <string.h>

#include "FreeRTOS.h"
#include "task.h"

#include "board.h"
#include "coracle_device.h"

#define CLIENT_STACK 1152 /* words */
#define SENSOR_STACK 256
#define CLIENT_PRIORITY 2
#define SENSOR_PRIORITY 1
#define PULSE_MS 500

static StackType_t client_stack[CLIENT_STACK], sensor_stack[SENSOR_STACK];
static StaticTask_t client_task, sensor_task;
static char line[256];

/*
 * An emulator has no entropy, and this device no secrets: what follows from the seed on the command line can be guessed. A
 * product asks its hardware generator here.
 */
static uint64_t predictable_state;

static int predictable_random(void *bytes, size_t length)
{
    uint8_t *byte = bytes;

    while (length--) {
        predictable_state = predictable_state * 6364136223846793005u + 1442695040888963407u;
        *byte++ = (uint8_t)(predictable_state >> 56);
    }
    return 0;
}

static void log_line(const char *text, size_t length)
{
    board_lock();
    board_write(text, length);
    board_write("\n", 1);
    board_unlock();
}

int board_on_pulse(void)
{
    return coracle_device_pulse_from_isr(xTaskGetTickCountFromISR());
}

/* A temperature that rises and falls. */
static float measure(unsigned step)
{
    unsigned phase = step % 120;

    return 18.0f + 0.2f * (float)(phase < 60 ? phase : 120 - phase);
}

/* A task that measures, and uses the device that another task runs. */
static void sensor(void *argument)
{
    unsigned step;

    (void)argument;
    for (step = 1;; step++) {
        vTaskDelay(pdMS_TO_TICKS(1000));
        coracle_device_set_temperature(measure(step));
    }
}

static void report(void)
{
    extern uint8_t __sdata[], __edata[], __sbss[], __ebss[];
    size_t room = sizeof client_stack;

    coracle_device_report(room - uxTaskGetStackHighWaterMark(NULL) * sizeof(StackType_t), room,
                          (size_t)(__edata - __sdata) + (size_t)(__ebss - __sbss), board_heap_peak());
}

static void client(void *argument)
{
    static const struct coracle_device_functions functions = {
        .random = predictable_random,
        .load = board_load,
        .store = board_store,
        .log = log_line,
    };
    const char *seed;
    int length = board_command_line(line, sizeof line - 1);

    (void)argument;
    line[length < 0 ? 0 : length] = 0;
    seed = strstr(line, "seed=");
    predictable_state = (seed ? strtoul(seed + 5, NULL, 10) : 0) + ((uint64_t)board_boots() << 32);

    board_network_start();
    if (coracle_device_create(line, &functions) != CORACLE_DEVICE_CREATED) board_exit(2);
    coracle_device_set_temperature(measure(0));
    xTaskCreateStatic(sensor, "sensor", SENSOR_STACK, NULL, SENSOR_PRIORITY, sensor_stack, &sensor_task);
    board_pulses_start(PULSE_MS);
    if (coracle_device_run() == CORACLE_DEVICE_REBOOT) {
        report();
        board_reboot();
    }
    board_exit(0);
}

int main(void)
{
    xTaskCreateStatic(client, "client", CLIENT_STACK, NULL, CLIENT_PRIORITY, client_stack, &client_task);
    vTaskStartScheduler();
    return 0;
}
