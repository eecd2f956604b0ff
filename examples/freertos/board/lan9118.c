/* SMSC LAN9118 by programmed input and output, one frame at a time. */
#include "lan9118.h"

#include <string.h>

#define REGISTER(offset) (*(volatile uint32_t *)(0x40200000u + (offset)))

#define RX_DATA REGISTER(0x00)
#define TX_DATA REGISTER(0x20)
#define RX_STATUS REGISTER(0x40)
#define TX_STATUS REGISTER(0x48)
#define IRQ_CFG REGISTER(0x54)
#define INT_STS REGISTER(0x58)
#define INT_EN REGISTER(0x5C)
#define FIFO_INT REGISTER(0x68)
#define RX_CFG REGISTER(0x6C)
#define TX_CFG REGISTER(0x70)
#define HW_CFG REGISTER(0x74)
#define RX_FIFO_INF REGISTER(0x7C)
#define TX_FIFO_INF REGISTER(0x80)
#define MAC_CSR_CMD REGISTER(0xA4)
#define MAC_CSR_DATA REGISTER(0xA8)

#define BUSY 0x80000000u
#define RX_LEVEL_REACHED (1u << 3)
#define CRC_LENGTH 4

static void mac_write(uint32_t index, uint32_t value)
{
    MAC_CSR_DATA = value;
    MAC_CSR_CMD = BUSY | index;
    while (MAC_CSR_CMD & BUSY) {
    }
}

void lan9118_start(const uint8_t mac[6])
{
    HW_CFG = 1; /* reset */
    while (HW_CFG & 1) {
    }
    HW_CFG = 5u << 16;                         /* 5 KB of the FIFO are for sending */
    FIFO_INT = 0x48000000u;                    /* one received frame is enough to interrupt */
    IRQ_CFG = (1u << 8) | (1u << 4) | 1u;      /* enabled, active high, push-pull */
    RX_CFG = 0;
    TX_CFG = 2;                                /* sends */
    mac_write(3, mac[0] | mac[1] << 8 | mac[2] << 16 | (uint32_t)mac[3] << 24);
    mac_write(2, mac[4] | mac[5] << 8);
    mac_write(1, (1u << 20) | 0xC);            /* full duplex, sends, receives */
}

void lan9118_mask(void)
{
    INT_EN = 0;
}

void lan9118_unmask(void)
{
    INT_STS = 0xFFFFFFFFu;
    INT_EN = RX_LEVEL_REACHED;
}

size_t lan9118_receive(uint8_t *frame, size_t capacity)
{
    size_t length, offset;

    while ((RX_FIFO_INF >> 16) & 0xFF) {
        length = (RX_STATUS >> 16) & 0x3FFF;
        for (offset = 0; offset < length; offset += 4) {
            uint32_t word = RX_DATA;
            if (offset + 4 <= capacity) {
                memcpy(frame + offset, &word, 4);
            }
        }
        if (length > CRC_LENGTH && length <= capacity) {
            return length - CRC_LENGTH;
        }
    }
    return 0;
}

void lan9118_send(const uint8_t *frame, size_t length)
{
    size_t offset;

    TX_DATA = (3u << 12) | length; /* the first and the last segment */
    TX_DATA = length;
    for (offset = 0; offset < length; offset += 4) {
        uint32_t word = 0;
        memcpy(&word, frame + offset, length - offset < 4 ? length - offset : 4);
        TX_DATA = word;
    }
    while ((TX_FIFO_INF >> 16) & 0xFF) {
        (void)TX_STATUS;
    }
}
