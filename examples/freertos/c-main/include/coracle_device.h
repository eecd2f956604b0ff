/*
 * The demo device as a library: libcoracle_device.a, over FreeRTOS and lwIP.
 *
 * One task calls coracle_device_create and then coracle_device_run, which does the work. Other tasks set values, an interrupt
 * counts pulses.
 */
#ifndef CORACLE_DEVICE_H
#define CORACLE_DEVICE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What the firmware gives. None of them may be null. */
struct coracle_device_functions {
    /*
     * Fills bytes with random numbers and answers 0, or anything else when there are none. They must come from a hardware
     * generator: all keys follow from them.
     */
    int (*random)(void *bytes, size_t length);
    /*
     * Copies a value from storage; its length, 0 when there is none, negative when that failed. When it is longer than the
     * capacity nothing is copied.
     */
    int (*load)(uint16_t key, void *bytes, size_t capacity);
    /*
     * Replaces a value, or removes it when the length is 0; 0, or anything else when that failed. Whenever the power goes, the old
     * value is there or the new one.
     */
    int (*store)(uint16_t key, const void *bytes, size_t length);
    /* Takes a line of the log, without its end; from several tasks. */
    void (*log)(const char *line, size_t length);
};

/* What coracle_device_create answers; the log says more. */
#define CORACLE_DEVICE_CREATED 0
#define CORACLE_DEVICE_WRONG_SETTINGS 1
#define CORACLE_DEVICE_NO_CLIENT 2

/*
 * Makes the device, once. The settings are words: "server=coaps://192.0.2.1 endpoint=my-device lifetime=60 psk-identity=me
 * psk-key=00ff"; neither they nor the functions are used after coracle_device_run has returned.
 */
int coracle_device_create(const char *settings, const struct coracle_device_functions *functions);

/* What coracle_device_run answers. */
#define CORACLE_DEVICE_REBOOT 0   /* a server asks for a reboot; the registration is in the storage */
#define CORACLE_DEVICE_TAKEN_UP 1 /* after that reboot: the registration was taken up, and the server has answered */

/* Runs the device in the task that has made it; once. Needs 4.5 KB of stack with DTLS, of which 0.6 KB are in reserve. */
int coracle_device_run(void);

/* A new measurement, from any task; observers are notified. It waits while the device is at work, mostly for less than 1 ms. */
void coracle_device_set_temperature(float celsius);

/* From an interrupt that may call the kernel: wakes the device's task. The result is for portYIELD_FROM_ISR. */
int coracle_device_pulse_from_isr(uint32_t now_ms);

/* Puts these figures, in bytes, into the log. */
void coracle_device_report(size_t peak_stack, size_t stack_room, size_t static_ram, size_t heap);

#ifdef __cplusplus
}
#endif

#endif
