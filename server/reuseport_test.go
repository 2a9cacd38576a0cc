//go:build linux || darwin

package server

import (
	"net"
	"strconv"
	"testing"
)

// TestSharedAddresses: a shared port may be written in all ways that others may.
func TestSharedAddresses(t *testing.T) {
	for address, dials := range map[string][]string{
		"127.0.0.1:0": {"127.0.0.1"},
		"localhost:0": {"localhost"},
		"[::1]:0":     {"::1"},
		":0":          {"127.0.0.1", "::1"},
		"[::]:0":      {"127.0.0.1", "::1"},
		"0.0.0.0:0":   {"127.0.0.1"},
	} {
		t.Run(address, func(t *testing.T) {
			listener, err := bindShared(t.Context(), address)
			if err != nil {
				t.Skip(err) // as where there is no IPv6
			}
			defer listener.Close()
			port := strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
			if conn, err := net.Dial("tcp", net.JoinHostPort(dials[0], port)); err == nil {
				conn.Close()
				t.Error("it listens before it is told to")
			}
			if err := beginListening(listener); err != nil {
				t.Fatal(err)
			}
			for _, host := range dials {
				conn, err := net.Dial("tcp", net.JoinHostPort(host, port))
				if err != nil {
					t.Error(err)
					continue
				}
				accepted, err := listener.Accept()
				if err != nil {
					t.Fatal(err)
				}
				accepted.Close()
				conn.Close()
			}
		})
	}
}

func TestNoSharedAddress(t *testing.T) {
	for _, address := range []string{"", "127.0.0.1", "127.0.0.1:no", "[::1%none]:0", "no.invalid:0"} {
		if listener, err := bindShared(t.Context(), address); err == nil {
			listener.Close()
			t.Errorf("it listens on %q", address)
		}
	}
}
