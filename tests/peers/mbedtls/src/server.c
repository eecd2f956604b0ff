/* A DTLS 1.2 echo server for one client at a time: pre-shared key, cookies or none, connection ID. */

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mbedtls/ctr_drbg.h"
#include "mbedtls/entropy.h"
#include "mbedtls/error.h"
#include "mbedtls/ssl.h"
#include "mbedtls/ssl_ciphersuites.h"
#include "mbedtls/ssl_cookie.h"
#include "mbedtls/timing.h"
#include "psa/crypto.h"

static const unsigned char KEY[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
static const char IDENTITY[] = "Client_identity";

struct udp {
    int fd;
    struct sockaddr_in client; /* where the latest datagram came from, and answers go */
};

static int udp_send(void *context, const unsigned char *bytes, size_t length)
{
    struct udp *udp = context;
    return (int) sendto(udp->fd, bytes, length, 0, (struct sockaddr *) &udp->client, sizeof udp->client);
}

static int udp_receive(void *context, unsigned char *bytes, size_t length, uint32_t timeout)
{
    struct udp *udp = context;
    struct pollfd wait = { .fd = udp->fd, .events = POLLIN };
    if (poll(&wait, 1, timeout == 0 ? -1 : (int) timeout) == 0) {
        return MBEDTLS_ERR_SSL_TIMEOUT;
    }
    socklen_t size = sizeof udp->client;
    ssize_t received = recvfrom(udp->fd, bytes, length, 0, (struct sockaddr *) &udp->client, &size);
    return received < 0 ? -1 : (int) received;
}

static void check(int code, const char *what)
{
    if (code != 0) {
        char text[128];
        mbedtls_strerror(code, text, sizeof text);
        fprintf(stderr, "%s: -0x%04x %s\n", what, (unsigned) -code, text);
        exit(1);
    }
}

static void say_cid(mbedtls_ssl_context *ssl)
{
    unsigned char cid[MBEDTLS_SSL_CID_OUT_LEN_MAX];
    size_t length = 0;
    int enabled = 0;
    check(mbedtls_ssl_get_peer_cid(ssl, &enabled, cid, &length), "peer cid");
    printf("CONNECTED %s cid %s ", mbedtls_ssl_get_ciphersuite(ssl), enabled ? "on" : "off");
    for (size_t at = 0; at < length; at++) {
        printf("%02x", cid[at]);
    }
    printf("\n");
    fflush(stdout);
}

/* One client: 0 when it has gone, or asked for a cookie. */
static void session(mbedtls_ssl_context *ssl, struct udp *udp, const unsigned char *cid, int cid_len)
{
    unsigned char buffer[2048];
    struct pollfd wait = { .fd = udp->fd, .events = POLLIN };
    check(mbedtls_ssl_session_reset(ssl), "reset");
    /* Look at the address without taking the datagram. */
    poll(&wait, 1, -1);
    socklen_t size = sizeof udp->client;
    recvfrom(udp->fd, buffer, sizeof buffer, MSG_PEEK, (struct sockaddr *) &udp->client, &size);
    check(mbedtls_ssl_set_client_transport_id(ssl, (unsigned char *) &udp->client, sizeof udp->client), "id");
    if (cid_len >= 0) {
        check(mbedtls_ssl_set_cid(ssl, MBEDTLS_SSL_CID_ENABLED, cid, (size_t) cid_len), "cid");
    }
    int code;
    do {
        code = mbedtls_ssl_handshake(ssl);
    } while (code == MBEDTLS_ERR_SSL_WANT_READ || code == MBEDTLS_ERR_SSL_WANT_WRITE);
    if (code != 0) {
        if (code != MBEDTLS_ERR_SSL_HELLO_VERIFY_REQUIRED) {
            printf("FAILED -0x%04x\n", (unsigned) -code);
            fflush(stdout);
        }
        return;
    }
    say_cid(ssl);
    for (;;) {
        code = mbedtls_ssl_read(ssl, buffer, sizeof buffer);
        if (code == MBEDTLS_ERR_SSL_WANT_READ || code == MBEDTLS_ERR_SSL_TIMEOUT) {
            continue;
        }
        if (code <= 0) {
            printf("CLOSED -0x%04x\n", (unsigned) -code);
            fflush(stdout);
            return;
        }
        mbedtls_ssl_write(ssl, buffer, (size_t) code);
        if (code == 7 && memcmp(buffer, "goodbye", 7) == 0) {
            mbedtls_ssl_close_notify(ssl);
            return;
        }
    }
}

static int parse_cid(const char *text, unsigned char *cid)
{
    if (strcmp(text, "none") == 0) {
        return -1;
    }
    int length = 0;
    for (; text[0] != '\0' && text[0] != '-' && length < 32; text += 2) {
        unsigned byte;
        sscanf(text, "%2x", &byte);
        cid[length++] = (unsigned char) byte;
    }
    return length;
}

int serve(int port, const char *suite, const char *cid_text, int with_cookies)
{
    unsigned char cid[32];
    int cid_len = parse_cid(cid_text, cid);
    int suites[2] = { mbedtls_ssl_get_ciphersuite_id(suite), 0 };
    if (suites[0] == 0) {
        fprintf(stderr, "unknown suite %s\n", suite);
        return 2;
    }
    mbedtls_entropy_context entropy;
    mbedtls_ctr_drbg_context random;
    mbedtls_ssl_config config;
    mbedtls_ssl_cookie_ctx cookies;
    mbedtls_ssl_context ssl;
    mbedtls_timing_delay_context timer;
    struct udp udp = { .fd = socket(AF_INET, SOCK_DGRAM, 0) };
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((unsigned short) port) };
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    if (bind(udp.fd, (struct sockaddr *) &address, sizeof address) != 0) {
        perror("bind");
        return 1;
    }
    check(psa_crypto_init(), "psa");
    mbedtls_entropy_init(&entropy);
    mbedtls_ctr_drbg_init(&random);
    mbedtls_ssl_config_init(&config);
    mbedtls_ssl_cookie_init(&cookies);
    mbedtls_ssl_init(&ssl);
    check(mbedtls_ctr_drbg_seed(&random, mbedtls_entropy_func, &entropy, NULL, 0), "seed");
    check(mbedtls_ssl_config_defaults(&config, MBEDTLS_SSL_IS_SERVER, MBEDTLS_SSL_TRANSPORT_DATAGRAM,
                                      MBEDTLS_SSL_PRESET_DEFAULT), "config");
    mbedtls_ssl_conf_rng(&config, mbedtls_ctr_drbg_random, &random);
    mbedtls_ssl_conf_ciphersuites(&config, suites);
    mbedtls_ssl_conf_read_timeout(&config, 1000);
    check(mbedtls_ssl_conf_psk(&config, KEY, sizeof KEY, (const unsigned char *) IDENTITY, strlen(IDENTITY)), "psk");
    check(mbedtls_ssl_cookie_setup(&cookies, mbedtls_ctr_drbg_random, &random), "cookies");
    if (with_cookies) {
        mbedtls_ssl_conf_dtls_cookies(&config, mbedtls_ssl_cookie_write, mbedtls_ssl_cookie_check, &cookies);
    } else {
        mbedtls_ssl_conf_dtls_cookies(&config, NULL, NULL, NULL);
    }
    if (cid_len >= 0) {
        check(mbedtls_ssl_conf_cid(&config, (size_t) cid_len, MBEDTLS_SSL_UNEXPECTED_CID_IGNORE), "cid length");
    }
    check(mbedtls_ssl_setup(&ssl, &config), "setup");
    mbedtls_ssl_set_timer_cb(&ssl, &timer, mbedtls_timing_set_delay, mbedtls_timing_get_delay);
    mbedtls_ssl_set_bio(&ssl, &udp, udp_send, NULL, udp_receive);
    printf("READY\n");
    fflush(stdout);
    for (;;) {
        session(&ssl, &udp, cid, cid_len);
    }
}
