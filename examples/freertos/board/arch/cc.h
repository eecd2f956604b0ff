/* lwIP asks for this file. */
#ifndef ARCH_CC_H
#define ARCH_CC_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

extern void board_assert_failed(const char *file, uint32_t line);

#define LWIP_PLATFORM_ASSERT(text) board_assert_failed(__FILE__, __LINE__)
#define LWIP_PLATFORM_DIAG(text)
#define LWIP_NO_CTYPE_H 1

#endif
