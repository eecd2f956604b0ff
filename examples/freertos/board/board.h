/* What both firmwares have of the board: serial port, network, emulator. */
#ifndef BOARD_H
#define BOARD_H

#include <stddef.h>
#include <stdint.h>

/* Writes to the serial port. */
void board_write(const char *text, size_t length);
/* A line of the log: others wait until it is whole. Not for interrupts. */
void board_lock(void);
void board_unlock(void);

/* The command line that the emulator was given; its length, or -1. */
int board_command_line(char *line, size_t size);
/* Ends the emulator with this exit code. */
void board_exit(uint32_t code) __attribute__((noreturn));
/* Starts anew, with what is in retained memory. */
void board_reboot(void) __attribute__((noreturn));

/* Starts lwIP and its interface, 10.0.2.15; from a task. */
void board_network_start(void);
/* Starts a timer that interrupts once in so many milliseconds, and calls board_on_pulse, which the firmware has. */
void board_pulses_start(uint32_t period_ms);
/* From the interrupt; not 0 when a task with a higher priority than the interrupted one has become ready. */
int board_on_pulse(void);
/* All interrupts come here. */
void board_interrupt(int number);

/* Bytes of the kernel's heap that were in use at most, and how many there are. */
size_t board_heap_peak(void);
size_t board_heap_size(void);
/* Bytes of a task's stack that were never used; 0 when there is no such task. */
size_t board_stack_left(const char *task);

/*
 * Memory that outlives a reboot, but not the power: where a product has flash. One value, that of the registration with the first
 * server, as coracle-freertos wants it: board_load answers the length, 0 when there is none; board_store answers 0.
 */
int board_load(uint16_t key, void *bytes, size_t capacity);
int board_store(uint16_t key, const void *bytes, size_t length);
/* Counts reboots since power-on. */
uint32_t board_boots(void);

#endif
