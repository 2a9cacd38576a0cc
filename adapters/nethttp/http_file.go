package nethttp

import (
	"os"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
)

// sendFile writes a piece of a file.
func (c *httpConn) sendFile(event parley.HTTPResponseZeroCopySend) error {
	size, back, err := c.out.order.SeekPiece(event)
	if err != nil {
		return err
	}
	defer back()
	allowed, err := c.out.order.Body(event, size, event.More)
	if err != nil || event.More {
		size = -1
	}
	return c.sendPiece(event.File, allowed, size, event.More, err)
}

// sendPath writes a whole file that lies inside a root.
func (c *httpConn) sendPath(event parley.HTTPResponsePathSend) error {
	file, size, err := c.out.order.OpenPath(event)
	if err != nil {
		return err
	}
	defer file.Close()
	allowed, err := c.out.order.PathSend(event, size)
	return c.sendPiece(file, allowed, size, false, err)
}

// sendPiece writes what the order has allowed of a file, below a head that gives
// length if it is known. The server copies with sendfile where it can.
func (c *httpConn) sendPiece(file *os.File, allowed, length int64, more bool, err error) error {
	if c.out.order.State() == protocol.HTTPIdle || allowed == 0 && err != nil && !c.out.headSent {
		return err
	}
	c.out.implied = allowed > 0
	c.writeHead(length, more)
	if copyErr := c.copyFrom(file, allowed); copyErr != nil {
		return copyErr
	}
	if err == nil && more {
		err = c.flush()
	}
	return err
}
