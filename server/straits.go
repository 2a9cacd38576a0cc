package server

import (
	"crypto/tls"
	"errors"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// straits is what a place does while the process has no descriptor left: one client
// after the other is let in on a descriptor that was held back, is told whether
// the process is well or else to come again, and is sent away.
type straits struct {
	reserve *reserve
	server  *http.Server
	tls     *tls.Config // nil for plain HTTP
	report  func()
}

// What a client that is let in may take of a descriptor's time: one that has waited
// before the door has said long ago what it wants, or else has to shake hands first.
// And how long to wait where there is nobody, or nothing to give.
const (
	straitsTimeout    = 250 * time.Millisecond
	straitsTimeoutTLS = time.Second
	straitsPause      = 10 * time.Millisecond
)

// straitsOf makes the straits of a place.
func (s *Server) straitsOf(p *place, reports *reports) *straits {
	t := &straits{reserve: &s.reserve, report: func() {
		if reports.admits("straits") {
			s.log(slog.LevelError, "server: out of descriptors: new clients are refused")
		}
	}}
	t.server = &http.Server{
		Handler:     s.withHealth(http.HandlerFunc(refuseInStraits)),
		ReadTimeout: straitsTimeout, WriteTimeout: straitsTimeoutTLS,
		MaxHeaderBytes: p.server.MaxHeaderBytes,
		ErrorLog:       log.New(reports, "", 0),
	}
	t.server.SetKeepAlivesEnabled(false)
	if p.server.TLSConfig != nil {
		t.tls = p.server.TLSConfig.Clone()
		t.tls.NextProtos = nil // HTTP/1
		t.server.ReadTimeout = straitsTimeoutTLS
	}
	return t
}

func refuseInStraits(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Retry-After", "5")
	say(w, http.StatusServiceUnavailable, "Service Unavailable\n")
}

// outOfDescriptors reports whether Accept has failed for want of a descriptor.
func outOfDescriptors(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

// relieve lets one client in on a descriptor of the reserve, or waits a moment. Its
// error is another one of Accept.
func (t *straits) relieve(listener net.Listener) error {
	t.report()
	if !hasClient(listener) || !t.reserve.lend() {
		time.Sleep(straitsPause)
		return nil
	}
	conn, err := listener.Accept()
	if err != nil {
		t.reserve.takeBack()
		if !outOfDescriptors(err) {
			return err
		}
		time.Sleep(straitsPause) // another was quicker
		return nil
	}
	var once net.Listener = &single{conn: &borrowed{Conn: conn, giveBack: sync.OnceFunc(t.reserve.takeBack)}}
	if t.tls != nil {
		once = tls.NewListener(once, t.tls)
	}
	t.server.Serve(once)
	return nil
}

// over notes that there are descriptors again.
func (t *straits) over() {
	if t.reserve.lacking.Load() {
		t.reserve.fill()
	}
}

// single is a listener for one connection.
type single struct{ conn net.Conn }

func (s *single) Accept() (net.Conn, error) {
	if s.conn == nil {
		return nil, net.ErrClosed
	}
	conn := s.conn
	s.conn = nil
	return conn, nil
}

func (s *single) Close() error   { return nil }
func (s *single) Addr() net.Addr { return nil }

// borrowed is a connection on a descriptor of the reserve.
type borrowed struct {
	net.Conn
	giveBack func()
}

func (b *borrowed) Close() error {
	defer b.giveBack()
	return b.Conn.Close()
}

// reserve holds some descriptors back.
type reserve struct {
	lacking atomic.Bool

	mu    sync.Mutex
	files []*os.File
	lent  int
	over  bool
}

const reserveSize = 16

// fill takes what belongs to the reserve and is neither there nor lent.
func (r *reserve) fill() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.files)+r.lent < reserveSize && !r.over {
		file, err := os.Open(os.DevNull)
		if err != nil {
			break
		}
		r.files = append(r.files, file)
	}
	r.lacking.Store(len(r.files)+r.lent < reserveSize && !r.over)
}

// lend frees a descriptor, if there is one left.
func (r *reserve) lend() bool {
	r.fill()
	r.mu.Lock()
	defer r.mu.Unlock()
	last := len(r.files) - 1
	if last < 0 {
		return false
	}
	r.files[last].Close()
	r.files = r.files[:last]
	r.lent++
	return true
}

func (r *reserve) takeBack() {
	r.mu.Lock()
	r.lent--
	r.mu.Unlock()
	r.fill()
}

// release gives all back to the process.
func (r *reserve) release() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
	for _, file := range r.files {
		file.Close()
	}
	r.files = nil
}
