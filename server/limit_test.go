package server

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/parleygo/parley"
)

// TestLimitedConnectionsCanAllThatOthersCan: net/http sends files and ends one
// direction where a connection can, and an idle socket is cheap where it is the
// kernel's.
func TestLimitedConnectionsCanAllThatOthersCan(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			d := newDoor(t, network)
			limited := limit(d, &Listener{MaxConns: 1})
			defer limited.Close()
			client, err := net.Dial(network, d.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			conn, err := limited.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, ok := conn.(io.ReaderFrom); !ok && network == "tcp" {
				t.Error("it sends no files")
			}
			if _, ok := conn.(interface{ CloseWrite() error }); !ok {
				t.Error("it ends both directions only")
			}
			if _, ok := conn.(interface{ KernelConn() net.Conn }); !ok {
				t.Error("it is not the kernel's any more")
			}
		})
	}
}

func TestNegativeMaxConnsIsNoLimit(t *testing.T) {
	options := quiet()
	options.Listeners = []Listener{{Addr: "127.0.0.1:0", MaxConns: -1}}
	s := New(parley.LifespanHooks{}, options)
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := get(t, s, "/"); !strings.HasPrefix(got, "404") {
		t.Errorf("answered %q", got)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestWhoWaitsForRoomIsToldOfTheEnd: clients beyond the limit, who wait when the
// server leaves, are told to come again.
func TestWhoWaitsForRoomIsToldOfTheEnd(t *testing.T) {
	options := quiet()
	options.Listeners = []Listener{{Addr: "127.0.0.1:0", MaxConns: 1}}
	s := New(parley.LifespanHooks{}, options)
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	inside := connect(t, s)
	request(t, inside)
	waiting := connect(t, s)
	io.WriteString(waiting, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(waiting), nil)
	if err != nil || answer.StatusCode != 503 || answer.Header.Get("Retry-After") == "" {
		t.Errorf("answered %v, %v", answer, err)
	}
}
