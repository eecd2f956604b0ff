/* A record in memory that neither the startup code nor a reboot clears. A product has flash instead. */
#include "board.h"

#include <string.h>

/* coracle::platform::Key::registration of the first server. */
#define REGISTRATION 0x8100
#define VALID 0x434F5241u

static struct {
    uint32_t valid;
    uint32_t boots;
    uint32_t length;
    uint8_t record[1024];
} retained __attribute__((section(".uninit.retained")));

/* At power-on there is anything in the memory. */
static void check(void)
{
    if (retained.valid == VALID) return;
    memset(&retained, 0, sizeof retained);
    retained.valid = VALID;
}

int board_load(uint16_t key, void *bytes, size_t capacity)
{
    check();
    if (key != REGISTRATION) return -1;
    if (retained.length <= capacity) memcpy(bytes, retained.record, retained.length);
    return (int)retained.length;
}

int board_store(uint16_t key, const void *bytes, size_t length)
{
    check();
    if (key != REGISTRATION || length > sizeof retained.record) return -1;
    retained.length = 0;
    memcpy(retained.record, bytes, length);
    retained.length = length;
    return 0;
}

uint32_t board_boots(void)
{
    check();
    return retained.boots++;
}
