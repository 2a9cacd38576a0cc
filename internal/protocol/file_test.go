package protocol_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
)

// folder returns a root with a file of eight bytes, and that file.
func folder(t *testing.T) (*os.Root, *os.File) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte("contents"), 0o600); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	file, err := root.Open("file")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return root, file
}

// TestSeekPiece: where a piece begins, how long it is, and where the file stands when
// it has been read.
func TestSeekPiece(t *testing.T) {
	_, file := folder(t)
	for _, row := range []struct {
		at, offset, count int64
		want              string
		after             int64
	}{
		{0, 0, 0, "contents", 8},
		{0, 0, 3, "con", 3},
		{2, 0, 0, "ntents", 8},
		{2, 0, 9, "ntents", 8},
		{2, 5, 0, "nts", 2},
		{2, 5, 1, "n", 2},
		{8, 0, 0, "", 8},
		{0, 8, 1, "", 0},
		{0, 9, 1, "", 0},
		{9, 0, 0, "", 9},
	} {
		if _, err := file.Seek(row.at, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		var h protocol.HTTP
		event := parley.HTTPResponseZeroCopySend{File: file, Offset: row.offset, Count: row.count}
		size, back, err := h.SeekPiece(event)
		if err != nil {
			t.Fatal(err)
		}
		piece, err := io.ReadAll(io.LimitReader(file, size))
		back()
		after, seekErr := file.Seek(0, io.SeekCurrent)
		if string(piece) != row.want || size != int64(len(row.want)) || after != row.after ||
			err != nil || seekErr != nil {
			t.Errorf("%+v: %d bytes %q, then at %d, %v, %v", row, size, piece, after, err, seekErr)
		}
	}
}

// TestUnusableFiles: what cannot be sent is refused before anything goes out.
func TestUnusableFiles(t *testing.T) {
	root, file := folder(t)
	open, err := root.Open(".")
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	closed, err := root.Open("file")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	defer writer.Close()
	piece := func(file *os.File, offset, count int64) parley.Event {
		return parley.HTTPResponseZeroCopySend{File: file, Offset: offset, Count: count}
	}
	for name, row := range map[string]struct {
		event parley.Event
		want  error // nil is any
	}{
		"no root":         {parley.HTTPResponsePathSend{Path: "file"}, parley.ErrUnexpectedEvent},
		"nothing there":   {parley.HTTPResponsePathSend{Root: root, Path: "no"}, fs.ErrNotExist},
		"a directory":     {parley.HTTPResponsePathSend{Root: root, Path: "."}, syscall.EISDIR},
		"no file":         {piece(nil, 0, 0), parley.ErrUnexpectedEvent},
		"closed":          {piece(closed, 0, 0), fs.ErrClosed},
		"open directory":  {piece(open, 0, 0), syscall.EISDIR},
		"a pipe":          {piece(reader, 0, 0), nil},
		"negative offset": {piece(file, -1, 0), parley.ErrUnexpectedEvent},
		"negative count":  {piece(file, 0, -1), parley.ErrUnexpectedEvent},
	} {
		t.Run(name, func(t *testing.T) {
			var h protocol.HTTP
			var err error
			switch event := row.event.(type) {
			case parley.HTTPResponsePathSend:
				_, _, err = h.OpenPath(event)
			case parley.HTTPResponseZeroCopySend:
				_, _, err = h.SeekPiece(event)
			}
			if err == nil || row.want != nil && !errors.Is(err, row.want) {
				t.Errorf("got %v, want %v", err, row.want)
			}
		})
	}
}

func TestOpenPath(t *testing.T) {
	root, _ := folder(t)
	var h protocol.HTTP
	file, size, err := h.OpenPath(parley.HTTPResponsePathSend{Root: root, Path: "file"})
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if text, err := io.ReadAll(file); string(text) != "contents" || size != 8 || err != nil {
		t.Errorf("%d bytes %q, %v", size, text, err)
	}
}
