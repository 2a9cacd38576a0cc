package nethttp_test

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parleygo/parley/adapters/internal/adaptertest"
)

// script is what a handler does, a byte for each step and one for how much of it.
type script []byte

// steps are the things to do. They tell what came of them.
var steps = []func(w http.ResponseWriter, r *http.Request, much int, tell func(...any)){
	func(w http.ResponseWriter, _ *http.Request, much int, tell func(...any)) {
		n, err := w.Write([]byte(strings.Repeat("x", much*40)))
		tell("write", n, told(err))
	},
	func(w http.ResponseWriter, _ *http.Request, much int, tell func(...any)) {
		n, err := io.WriteString(w, strings.Repeat("y", much))
		tell("string", n, told(err))
	},
	func(w http.ResponseWriter, _ *http.Request, much int, tell func(...any)) {
		n, err := w.(io.ReaderFrom).ReadFrom(strings.NewReader(strings.Repeat("z", much*20)))
		tell("copy", n, told(err))
	},
	func(w http.ResponseWriter, _ *http.Request, _ int, tell func(...any)) {
		tell("flush", told(http.NewResponseController(w).Flush()))
	},
	func(_ http.ResponseWriter, r *http.Request, much int, tell func(...any)) {
		n, err := io.ReadFull(r.Body, make([]byte, much*30+1))
		tell("read", n, told(err))
	},
	func(_ http.ResponseWriter, r *http.Request, _ int, tell func(...any)) {
		n, err := io.Copy(io.Discard, r.Body)
		tell("drain", n, told(err), r.Trailer)
	},
	func(w http.ResponseWriter, _ *http.Request, much int, _ func(...any)) {
		statuses := []int{200, 201, 204, 304, 404, 418, 500, 599, 600, 999}
		w.WriteHeader(statuses[much%len(statuses)])
	},
	func(w http.ResponseWriter, _ *http.Request, much int, _ func(...any)) {
		hints := []int{102, 103, 199}
		w.Header().Set("Link", "</x>")
		w.WriteHeader(hints[much%len(hints)])
	},
	func(w http.ResponseWriter, _ *http.Request, much int, _ func(...any)) {
		w.Header().Set("Content-Length", fmt.Sprint(much*40))
	},
	func(w http.ResponseWriter, _ *http.Request, much int, _ func(...any)) {
		names := []string{"Content-Length", "Content-Type", "Date", "X-Twice"}
		w.Header()[names[much%len(names)]] = nil
	},
	func(w http.ResponseWriter, _ *http.Request, much int, _ func(...any)) {
		fields := [][2]string{
			{"Content-Type", "text/x"}, {"Content-Encoding", "br"}, {"Connection", "close"},
			{"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "identity"}, {"Date", "today"},
			{"Trailer", "X-Sum, X-Twice"}, {"X-Sum", "42"}, {http.TrailerPrefix + "X-Late", "43"},
			{"bad name", "x"}, {"X-Lines", "a\r\nb"},
		}
		field := fields[much%len(fields)]
		w.Header()[field[0]] = append(w.Header()[field[0]], field[1])
	},
	func(w http.ResponseWriter, _ *http.Request, _ int, tell func(...any)) {
		tell("duplex", told(http.NewResponseController(w).EnableFullDuplex()))
	},
}

// told is an error as far as it is the same in every run.
func told(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, new(net.Error)):
		return "connection"
	}
	return err.Error()
}

func (s script) run(w http.ResponseWriter, r *http.Request, tell func(...any)) {
	for ; len(s) >= 2; s = s[2:] {
		steps[int(s[0])%len(steps)](w, r, int(s[1]), tell)
	}
}

// requestBy makes a request of a byte and the size of its body.
func requestBy(kind byte, size int) string {
	method := []string{"GET", "POST", "HEAD", "PUT"}[kind%4]
	version := []string{"HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0"}[kind/4%4]
	header, body := "Host: example.test\r\n", strings.Repeat("b", size)
	switch {
	case version == "HTTP/1.0" || kind&0x10 == 0:
		header += "Content-Length: " + length(body) + "\r\n"
	case size == 0:
		header, body = header+"Transfer-Encoding: chunked\r\n", "0\r\n\r\n"
	default:
		header += "Transfer-Encoding: chunked\r\nTrailer: X-End\r\n"
		body = fmt.Sprintf("%x\r\n%s\r\n0\r\nX-End: 1\r\n\r\n", size, body)
	}
	if kind&0x20 != 0 {
		header += "TE: trailers\r\n"
	}
	return method + " / " + version + "\r\n" + header + "\r\n" + body
}

// stage is a server whose handler follows the script of the day.
type stage struct {
	server *httptest.Server

	mu    sync.Mutex
	play  script
	notes strings.Builder
	ended chan struct{} // told when the handler has returned, perhaps behind its answer
}

func newStage(tb testing.TB, wrap func(http.Handler) http.Handler) *stage {
	s := &stage{ended: make(chan struct{}, 1)}
	s.server = httptest.NewUnstartedServer(wrap(serve(func(w http.ResponseWriter, r *http.Request) {
		defer func() { s.ended <- struct{}{} }()
		s.play.run(w, r, func(values ...any) { fmt.Fprintln(&s.notes, values...) })
	})))
	s.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.server.Start()
	tb.Cleanup(s.server.Close)
	return s
}

// perform has a client send a request, and returns the answer and what the handler met.
func (s *stage) perform(tb testing.TB, play script, request string) (answer, notes string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.play = play
	s.notes.Reset()
	conn, err := net.Dial("tcp", s.server.Listener.Addr().String())
	if err != nil {
		tb.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(adaptertest.Patience))
	go io.WriteString(conn, request)
	all, err := io.ReadAll(conn)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		tb.Fatal("the server fell silent")
	}
	adaptertest.Await(tb, s.ended, "the handler's end")
	return unchunked(adaptertest.Comparable(string(all))), s.notes.String()
}

// forbiddenHints are interim answers to a client that knows none, which net/http sends
// all the same.
var forbiddenHints = regexp.MustCompile(`HTTP/1\.0 1[^\r]*\r\n([^\r]+\r\n)*\r\n`)

// overlongCopy is a ReadFrom that is stopped at the Content-Length, on which net/http's
// keeps no eye.
var overlongCopy = regexp.MustCompile(`copy \d+ ` + http.ErrContentLength.Error())

// FuzzHandlersOverEvents: whatever a handler does, it and its client cannot tell
// whether it runs on net/http or over events.
func FuzzHandlersOverEvents(f *testing.F) {
	f.Add([]byte{0, 10, 3, 0, 0, 200, 10, 8}, byte(1), uint16(100))
	f.Add([]byte{4, 1, 0, 60, 5, 0}, byte(0x11), uint16(5000))
	f.Add([]byte{8, 1, 0, 2, 0, 1}, byte(0), uint16(0))
	for _, found := range []string{
		"18", "C0", "\"8", "00\"8", "\"B\"7", "80B070", "\")00", "\"$00\")", "\"2\"2\"(", "002\x00",
		"8\x01\"$c000", "80\"$\")",
	} {
		for _, kind := range []byte{0, 0x20, 0x12, 0x1c, 0xb2} {
			f.Add([]byte(found), kind, uint16(81))
		}
	}
	f.Add([]byte{7, 1, 10, 6, 1, 3, 10, 7, 10, 8}, byte(0x20), uint16(0))
	f.Add([]byte{11, 0, 6, 5, 3, 0, 5, 0}, byte(0x15), uint16(60000))
	plain := newStage(f, func(h http.Handler) http.Handler { return h })
	events := newStage(f, eventShape.wrap)
	f.Fuzz(func(t *testing.T, play []byte, kind byte, size uint16) {
		if len(play) > 40 {
			return
		}
		request := strings.Replace(requestBy(kind, int(size)), "\r\n", "\r\nConnection: close\r\n", 1)
		want, wantNotes := plain.perform(t, play, request)
		want = forbiddenHints.ReplaceAllString(want, "")
		got, notes := events.perform(t, play, request)
		if overlongCopy.MatchString(notes) {
			return
		}
		if got != want {
			t.Errorf("got\n%.500q\nwant\n%.500q", got, want)
		}
		if notes != wantNotes {
			t.Errorf("the handler met\n%s\nwant\n%s", notes, wantNotes)
		}
	})
}
