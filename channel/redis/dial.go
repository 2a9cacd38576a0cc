package redis

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Between two attempts to reach a server there is a pause, which doubles from the
// first to the last of these and varies, so that not all programs come at once.
const (
	firstPause = 20 * time.Millisecond
	lastPause  = 2 * time.Second
)

// pause returns how long to wait after so many failures in a row.
func pause(failures int) time.Duration {
	longest := min(firstPause<<min(failures, 10), lastPause)
	return longest/2 + rand.N(longest/2)
}

// dialer makes connections that end with life, until work ends. After a failure it fails at
// once for a while, whoever asks: a server that comes back is not run down.
type dialer struct {
	work, life context.Context
	reached    func() // called when a server is reached that was not before

	mu     sync.Mutex
	closed map[string]*door // by address
}

type door struct {
	failures int
	until    time.Time
	err      error
}

func (d *dialer) dial(
	ctx context.Context, address string, dial *net.Dialer, config *tls.Config,
) (net.Conn, error) {
	if err := d.barred(address); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(d.work, cancel)()
	conn, err := connect(ctx, address, dial, config)
	if back := d.note(ctx, address, err); back {
		d.reached()
	}
	if err != nil {
		return nil, err
	}
	return newLiveConn(d.life, conn), nil
}

func connect(
	ctx context.Context, address string, dial *net.Dialer, config *tls.Config,
) (net.Conn, error) {
	switch {
	case strings.HasPrefix(address, "/"):
		return dial.DialContext(ctx, "unix", address)
	case config != nil:
		return (&tls.Dialer{NetDialer: dial, Config: config}).DialContext(ctx, "tcp", address)
	}
	return dial.DialContext(ctx, "tcp", address)
}

func (d *dialer) barred(address string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if door := d.closed[address]; door != nil && time.Now().Before(door.until) {
		return fmt.Errorf("%s was not reached a moment ago: %w", address, door.err)
	}
	return nil
}

// note keeps in mind how dialing went, unless the caller just gave up. It reports
// whether a server is back.
func (d *dialer) note(ctx context.Context, address string, err error) (back bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case err == nil:
		back = d.closed[address] != nil
		delete(d.closed, address)
	case ctx.Err() == nil:
		if d.closed == nil {
			d.closed = make(map[string]*door)
		}
		shut := d.closed[address]
		if shut == nil {
			shut = new(door)
			d.closed[address] = shut
		}
		shut.until, shut.err = time.Now().Add(pause(shut.failures)), err
		shut.failures++
	}
	return back
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// liveConn is a connection that ends with the transport, whatever waits for it.
type liveConn struct {
	net.Conn
	forget func() bool
}

func newLiveConn(life context.Context, conn net.Conn) net.Conn {
	return &liveConn{conn, context.AfterFunc(life, func() { _ = conn.Close() })}
}

func (c *liveConn) Close() error {
	c.forget()
	return c.Conn.Close()
}

// withoutURL removes the URL from an error: there is a password in it.
func withoutURL(err error) error {
	if in := new(url.Error); errors.As(err, &in) {
		return in.Err
	}
	return err
}
