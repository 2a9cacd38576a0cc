package overevents

import (
	"io"
	"net/http"
	"os"
	"sync"

	"github.com/parleygo/parley"
)

// sniffSize is how much http.DetectContentType looks at.
const sniffSize = 512

var copyBuffers = sync.Pool{New: func() any { return new([32 << 10]byte) }}

// ReadFrom copies src into the body. A file goes as it is where the conn can
// send files: that is what http.ServeContent, and so http.FileServer, arrive
// with.
//
// As in net/http, if the head has not gone out yet the first bytes are written, which
// shows that src can be read and what is in it; if there are more, it goes out.
func (w *Writer) ReadFrom(src io.Reader) (total int64, err error) {
	if !w.hasStarted() {
		total, err = w.copyFrom(io.LimitReader(src, sniffSize))
		if err != nil || total < sniffSize {
			return total, err
		}
	}
	if err := w.drain(); err != nil {
		return total, err
	}
	if file, limited := fileOf(src); file != nil && !w.headOnly &&
		w.supports(parley.ExtensionZeroCopySend) {
		n, err := w.sendFile(file, limited)
		total += n
		if err != nil {
			return total, err
		}
	}
	n, err := w.copyFrom(src)
	return total + n, err
}

// hasStarted reports whether the head was sent.
func (w *Writer) hasStarted() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.started
}

// copyFrom hides all but Read and Write: io.Copy would come back to ReadFrom,
// or have a file bring a buffer of its own.
func (w *Writer) copyFrom(src io.Reader) (int64, error) {
	buffer := copyBuffers.Get().(*[32 << 10]byte)
	defer copyBuffers.Put(buffer)
	return io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{src}, buffer[:])
}

// drain hands what is buffered to the conn. net/http writes the head here, and so does
// a server that is below: there is no length to be found any more.
func (w *Writer) drain() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.begin(); err != nil {
		return err
	}
	if w.server != nil {
		return w.sendBody(true)
	}
	return w.sendPart(w.take())
}

// fileOf returns the file that src reads, and the limit it is under if any.
func fileOf(src io.Reader) (*os.File, *io.LimitedReader) {
	limited, ok := src.(*io.LimitedReader)
	if ok {
		src = limited.R
	}
	file, _ := src.(*os.File)
	return file, limited
}

// sendFile sends what file still has, and leaves file and limited where reading
// it would have left them. A file that is none on disk is left to be copied.
func (w *Writer) sendFile(file *os.File, limited *io.LimitedReader) (int64, error) {
	offset, size := unread(file)
	if limited != nil {
		size = min(size, limited.N)
	}
	if size <= 0 {
		return 0, nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	allowed, refusal := w.admit(w.room(size))
	if allowed == 0 {
		return 0, refusal
	}
	if allowed < size {
		refusal = http.ErrContentLength
	}
	event := parley.HTTPResponseZeroCopySend{File: file, Offset: offset, Count: allowed, More: true}
	if err := w.send(event); err != nil {
		return 0, err
	}
	if limited != nil {
		limited.N -= allowed
	}
	if _, err := file.Seek(offset+allowed, io.SeekStart); err != nil {
		return allowed, err
	}
	return allowed, refusal
}

// room is how much of size fits into the Content-Length.
func (w *Writer) room(size int64) int64 {
	if left := w.length - w.taken; w.length >= 0 && 0 < left && left < size {
		return left
	}
	return size
}

// unread returns where in a regular file the next Read begins and how much
// there is from there on.
func unread(file *os.File) (offset, size int64) {
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return 0, 0
	}
	if offset, err = file.Seek(0, io.SeekCurrent); err != nil {
		return 0, 0
	}
	return offset, info.Size() - offset
}
