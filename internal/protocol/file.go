package protocol

import (
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/parleygo/parley"
)

// OpenPath opens the file of a PathSend and tells its size.
func (h *HTTP) OpenPath(event parley.HTTPResponsePathSend) (*os.File, int64, error) {
	if event.Root == nil {
		return nil, 0, h.Unknown(event)
	}
	file, err := event.Root.Open(event.Path)
	if err != nil {
		return nil, 0, err
	}
	size, err := sizeOf(file)
	if err != nil {
		file.Close()
		return nil, 0, err
	}
	return file, size, nil
}

// PathSend checks a whole file of that size, which is the only body, and tells how
// much of it may go out, as Body does.
func (h *HTTP) PathSend(
	event parley.HTTPResponsePathSend, size int64,
) (allowed int64, err error) {
	if h.state == HTTPStarted && h.sent > 0 {
		return 0, h.refuse(event, &pathSendMixed)
	}
	return h.Body(event, size, false)
}

// SeekPiece goes to where the event's piece of its file begins and tells its size. An
// offset of the event's own leaves the file's position as it was: back goes there.
func (h *HTTP) SeekPiece(
	event parley.HTTPResponseZeroCopySend,
) (size int64, back func(), err error) {
	if event.File == nil || event.Offset < 0 || event.Count < 0 {
		return 0, nil, h.Unknown(event)
	}
	from, err := event.File.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0, nil, err
	}
	end, err := sizeOf(event.File)
	if err != nil {
		return 0, nil, err
	}
	back = func() {}
	if event.Offset > 0 {
		before := from
		back = func() { _, _ = event.File.Seek(before, io.SeekStart) }
		if from, err = event.File.Seek(event.Offset, io.SeekStart); err != nil {
			return 0, nil, err
		}
	}
	size = max(end-from, 0)
	if event.Count > 0 {
		size = min(size, event.Count)
	}
	return size, back, nil
}

// sizeOf fails for what can be opened and not be sent.
func sizeOf(file *os.File) (int64, error) {
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	if info.IsDir() {
		return 0, &fs.PathError{Op: "send", Path: file.Name(), Err: syscall.EISDIR}
	}
	return info.Size(), nil
}
