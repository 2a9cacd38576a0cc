package adaptertest

import (
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// Server is net/http's own server with a handler, and what it has logged.
type Server struct {
	*httptest.Server
	t testing.TB

	mu       sync.Mutex
	log      []string
	expected []string
}

// Serve starts a server that ends with the test. What it logs fails the test,
// but for lines that Expect was told of.
func Serve(t testing.TB, handler http.Handler) *Server {
	t.Helper()
	s := New(t, handler)
	s.Start()
	return s
}

// New is Serve without the start, for tests that want another configuration.
func New(t testing.TB, handler http.Handler) *Server {
	t.Helper()
	s := &Server{Server: httptest.NewUnstartedServer(handler), t: t}
	s.Config.ErrorLog = log.New(s, "", 0)
	t.Cleanup(func() {
		s.Close()
		for _, line := range s.Log() {
			if !s.isExpected(line) {
				t.Errorf("the server logged: %s", line)
			}
		}
	})
	return s
}

// Expect lets lines that contain part be logged.
func (s *Server) Expect(part string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expected = append(s.expected, part)
}

func (s *Server) isExpected(line string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, part := range s.expected {
		if strings.Contains(line, part) {
			return true
		}
	}
	return false
}

var clientAddr = regexp.MustCompile(`127\.0\.0\.1:\d+`)

// Write takes a line of the server's log: its first line, without the client's
// port, which is what two runs have in common.
func (s *Server) Write(p []byte) (int, error) {
	line, _, _ := strings.Cut(string(p), "\n")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, clientAddr.ReplaceAllString(line, "CLIENT"))
	return len(p), nil
}

// Log returns what the server has logged so far.
func (s *Server) Log() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.log...)
}

// Dial connects a client.
func (s *Server) Dial() *Client {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		s.t.Fatal(err)
	}
	conn.SetDeadline(time.Now().Add(Patience))
	return newClient(s.t, conn)
}

// Exchange sends request and, once the head of an answer is there, what is to
// follow it. It returns all that comes back until the server closes the
// connection, comparable between runs.
func (s *Server) Exchange(request, afterHead string) string {
	s.t.Helper()
	client := s.Dial()
	defer client.Close()
	go client.Say("%s", request) // ends with the connection, if not before
	if afterHead == "" {
		return client.Rest()
	}
	head := client.RawHead()
	go client.Say("%s", afterHead)
	return head + client.Rest()
}
