package nethttp

import (
	"io"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
)

// sendFile writes a piece of a file. The server copies it with sendfile where it
// can.
func (c *httpConn) sendFile(event parley.HTTPResponseZeroCopySend) error {
	if event.File == nil {
		return c.out.order.Unknown(event)
	}
	size, back, err := seek(event)
	if err != nil {
		return err
	}
	defer back()
	allowed, err := c.out.order.Body(event, size, event.More)
	if c.out.order.State() == protocol.HTTPIdle || allowed == 0 && err != nil && !c.out.headSent {
		return err
	}
	length := int64(-1)
	if !event.More && err == nil {
		length = size
	}
	c.out.implied = allowed > 0
	c.writeHead(length, event.More)
	if copyErr := c.copyFrom(event.File, allowed); copyErr != nil {
		return copyErr
	}
	if err == nil && event.More {
		err = c.flush()
	}
	return err
}

// seek goes to where the event's piece of the file begins and tells its size. An
// offset of the event's own leaves the file's position as it was: back goes
// there.
func seek(event parley.HTTPResponseZeroCopySend) (size int64, back func(), err error) {
	from, err := event.File.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0, nil, err
	}
	back = func() {}
	if event.Offset > 0 {
		before := from
		back = func() { event.File.Seek(before, io.SeekStart) }
		if from, err = event.File.Seek(event.Offset, io.SeekStart); err != nil {
			return 0, nil, err
		}
	}
	info, err := event.File.Stat()
	if err != nil {
		return 0, nil, err
	}
	size = max(info.Size()-from, 0)
	if event.Count > 0 {
		size = min(size, event.Count)
	}
	return size, back, nil
}

// sendPath writes a whole file that lies inside a root.
func (c *httpConn) sendPath(event parley.HTTPResponsePathSend) error {
	if event.Root == nil {
		return c.out.order.Unknown(event)
	}
	file, err := event.Root.Open(event.Path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	size := info.Size()
	if length, sized := c.out.order.Sized(); sized {
		size = min(size, length)
	}
	if err := c.out.order.PathSend(event); err != nil {
		return err
	}
	bodiless := c.out.order.Bodiless()
	err = c.out.order.PathSent(event, size)
	c.writeHead(size, false)
	if !bodiless {
		if copyErr := c.copyFrom(file, size); copyErr != nil {
			return copyErr
		}
	}
	return err
}
