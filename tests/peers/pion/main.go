// A DTLS 1.2 echo server on pion: `pion-peer PORT SUITE CID COOKIES`, where SUITE is a number of the IANA registry in
// hexadecimal digits, CID the length of the server's connection ID, 0 for none, and COOKIES `cookies` or `no-cookies`.
package main

import (
	"fmt"
	"net"
	"os"
	"strconv"

	"github.com/pion/dtls/v3"
)

func main() {
	if len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, "usage: pion-peer PORT SUITE CID-LENGTH cookies|no-cookies")
		os.Exit(2)
	}
	port, err := strconv.Atoi(os.Args[1])
	check(err)
	suite, err := strconv.ParseUint(os.Args[2], 16, 16)
	check(err)
	cid, err := strconv.Atoi(os.Args[3])
	check(err)
	config := &dtls.Config{
		PSK: func(identity []byte) ([]byte, error) {
			if string(identity) != "Client_identity" {
				return nil, fmt.Errorf("unknown identity %q", identity)
			}
			return []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, nil
		},
		CipherSuites:            []dtls.CipherSuiteID{dtls.CipherSuiteID(suite)},
		ExtendedMasterSecret:    dtls.RequireExtendedMasterSecret,
		InsecureSkipVerifyHello: os.Args[4] == "no-cookies",
	}
	if cid > 0 {
		config.ConnectionIDGenerator = dtls.RandomCIDGenerator(cid)
	}
	listener, err := dtls.Listen("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}, config)
	check(err)
	fmt.Println("READY")
	for {
		connection, err := listener.Accept()
		if err != nil {
			fmt.Println("FAILED", err)
			continue
		}
		go echo(connection)
	}
}

func echo(connection net.Conn) {
	if session, ok := connection.(*dtls.Conn); ok {
		if err := session.Handshake(); err != nil {
			fmt.Println("FAILED", err)
			return
		}
	}
	fmt.Println("CONNECTED")
	buffer := make([]byte, 2048)
	for {
		length, err := connection.Read(buffer)
		if err != nil {
			fmt.Println("CLOSED", err)
			return
		}
		if _, err := connection.Write(buffer[:length]); err != nil {
			return
		}
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
