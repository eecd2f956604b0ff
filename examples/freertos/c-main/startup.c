/* Vectors and start of a Cortex-M3. */
#include <stdint.h>
#include <string.h>

#include "board.h"

extern uint8_t __sdata[], __edata[], __sidata[], __sbss[], __ebss[], __stack[];
extern int main(void);
extern void SVCall(void), PendSV(void), SysTick(void);

void reset(void)
{
    memcpy(__sdata, __sidata, (size_t)(__edata - __sdata));
    memset(__sbss, 0, (size_t)(__ebss - __sbss));
    main();
    board_exit(5);
}

static void fault(void)
{
    static const char text[] = "hard fault\n";

    board_write(text, sizeof text - 1);
    board_exit(104);
}

static void interrupt(void)
{
    uint32_t number;

    __asm__ volatile("mrs %0, ipsr" : "=r"(number));
    board_interrupt((int)number - 16);
}

typedef void (*vector)(void);

__attribute__((section(".vectors"), used)) static const vector vectors[16 + 32] = {
    [0] = (vector)__stack,
    [1] = reset,
    [2] = fault,
    [3] = fault,
    [4] = fault,
    [5] = fault,
    [6] = fault,
    [11] = SVCall,
    [14] = PendSV,
    [15] = SysTick,
    [16 ... 47] = interrupt,
};
