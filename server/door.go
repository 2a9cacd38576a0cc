package server

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// door is one socket where clients come in. It can be shut without turning away who
// stands before it already, and it lets some in when the process has no descriptor
// left.
type door struct {
	net.Listener
	straits *straits
	conns   *connections
	hold    func() // has the kernel let nobody new stand before it; nil where that cannot be

	once     sync.Once
	retiring chan struct{}
}

// errRetired ends the serving of a door that was shut in order.
var errRetired = errors.New("server: the socket was shut")

// What a door that is shut waits for: handshakes that are under way where it is held
// shut for new ones, and else only for what the kernel has accepted already.
const (
	lastCall  = 250 * time.Millisecond
	lastSweep = 10 * time.Millisecond
)

// retire has Accept let in those whom the kernel has accepted, and then close the
// socket and return errRetired. A socket that is closed at once resets them.
func (d *door) retire() {
	d.once.Do(func() {
		close(d.retiring)
		patience := lastSweep
		if d.hold != nil {
			d.hold()
			patience = lastCall
		}
		if !d.acceptFor(patience) {
			d.Close()
		}
	})
}

// acceptFor bounds the waiting of Accept. It reports false for sockets that cannot.
func (d *door) acceptFor(patience time.Duration) bool {
	patient, ok := d.Listener.(interface{ SetDeadline(time.Time) error })
	return ok && patient.SetDeadline(time.Now().Add(patience)) == nil
}

// Accept waits for the next client.
func (d *door) Accept() (net.Conn, error) {
	swept := false
	for {
		conn, err := d.Listener.Accept()
		d.count(err)
		if outOfDescriptors(err) {
			if err = d.straits.relieve(d.Listener); err == nil {
				continue
			}
		}
		switch {
		case err == nil:
			d.straits.over()
			return conn, nil
		case !d.isRetiring():
			return nil, err
		case !swept && errors.Is(err, os.ErrDeadlineExceeded):
			swept = d.acceptFor(lastSweep) // the time may have been up before a first look
		default:
			d.Close()
			return nil, errRetired
		}
	}
}

// count counts an Accept that failed for no wish of ours.
func (d *door) count(err error) {
	meant := errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded)
	if err != nil && !meant {
		d.conns.failed.Add(1)
	}
}

func (d *door) isRetiring() bool {
	select {
	case <-d.retiring:
		return true
	default:
		return false
	}
}
