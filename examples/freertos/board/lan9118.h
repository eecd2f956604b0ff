/* The Ethernet controller of mps2-an385. */
#ifndef LAN9118_H
#define LAN9118_H

#include <stddef.h>
#include <stdint.h>

#define LAN9118_INTERRUPT 13

void lan9118_start(const uint8_t mac[6]);
/* Takes a frame; its length, 0 when there is none. A frame that does not fit is dropped. */
size_t lan9118_receive(uint8_t *frame, size_t capacity);
void lan9118_send(const uint8_t *frame, size_t length);
/* Lets received frames interrupt, or not. */
void lan9118_unmask(void);
void lan9118_mask(void);

#endif
