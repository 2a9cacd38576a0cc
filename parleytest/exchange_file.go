package parleytest

import (
	"cmp"
	"io"
	"math"

	"github.com/parleygo/parley"
)

// zeroCopySend reads what a live server would have the kernel copy. The file's
// position moves only if the app counts on it.
func (c *exchangeConn) zeroCopySend(event parley.HTTPResponseZeroCopySend) error {
	offset := event.Offset
	if offset == 0 {
		var err error
		if offset, err = event.File.Seek(0, io.SeekCurrent); err != nil {
			return err
		}
	}
	count := cmp.Or(event.Count, math.MaxInt64-offset)
	data, err := io.ReadAll(io.NewSectionReader(event.File, offset, count))
	if err != nil {
		return err
	}
	if err := c.body(event, data, event.More); err != nil || event.Offset != 0 {
		return err
	}
	_, err = event.File.Seek(int64(len(data)), io.SeekCurrent)
	return err
}

func (c *exchangeConn) pathSend(event parley.HTTPResponsePathSend) error {
	file, err := event.Root.Open(event.Path)
	if err != nil {
		return err
	}
	defer file.Close()
	data, err := io.ReadAll(file)
	if err != nil {
		return err
	}
	if err := c.order.PathSend(event); err != nil {
		return err
	}
	allowed := int64(len(data))
	if length, sized := c.order.Sized(); c.order.Bodiless() {
		allowed = 0
	} else if sized {
		allowed = min(allowed, length)
	}
	err = c.order.PathSent(event, int64(len(data)))
	c.write(data[:allowed])
	return err
}
