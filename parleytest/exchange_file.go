package parleytest

import (
	"io"
	"os"

	"github.com/parleygo/parley"
)

// zeroCopySend reads what a live server would have the kernel copy. The file's
// position moves only if the app counts on it.
func (c *exchangeConn) zeroCopySend(event parley.HTTPResponseZeroCopySend) error {
	size, back, err := c.order.SeekPiece(event)
	if err != nil {
		return err
	}
	defer back()
	allowed, err := c.order.Body(event, size, event.More)
	return c.sendPiece(event.File, allowed, err)
}

func (c *exchangeConn) pathSend(event parley.HTTPResponsePathSend) error {
	file, size, err := c.order.OpenPath(event)
	if err != nil {
		return err
	}
	defer file.Close()
	allowed, err := c.order.PathSend(event, size)
	return c.sendPiece(file, allowed, err)
}

// sendPiece sends what the order has allowed of a file.
func (c *exchangeConn) sendPiece(file *os.File, allowed int64, err error) error {
	data, readErr := io.ReadAll(io.LimitReader(file, allowed))
	c.write(data)
	if readErr != nil {
		return readErr
	}
	return err
}
