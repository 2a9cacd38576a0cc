package parleytest_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/parleytest"
)

// directory returns a root with a file named "file".
func directory(t *testing.T) *os.Root {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte("contents"), 0o600); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return root
}

// TestPathSendMissing: a file that is not there leaves the answer open for
// another body.
func TestPathSendMissing(t *testing.T) {
	root := directory(t)
	var missing error
	got := parleytest.Do(t, app(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
		if err := conn.Send(ctx, parley.HTTPResponseStart{Status: 404}); err != nil {
			return err
		}
		missing = conn.Send(ctx, parley.HTTPResponsePathSend{Root: root, Path: "nothing"})
		return conn.Send(ctx, parley.HTTPResponseBody{Body: []byte("none")})
	}), get())
	if !errors.Is(missing, fs.ErrNotExist) || got.Body != "none" || got.Err != nil {
		t.Errorf("%v, then %+v", missing, got)
	}
}

func TestPathSendLength(t *testing.T) {
	root := directory(t)
	for length, want := range map[string]error{
		"8": nil, "9": parley.ErrShortBody, "3": parley.ErrLongBody,
	} {
		got := parleytest.Do(t, app(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
			start := parley.HTTPResponseStart{Status: 200,
				Header: map[string][]string{"Content-Length": {length}}}
			if err := conn.Send(ctx, start); err != nil {
				return err
			}
			return conn.Send(ctx, parley.HTTPResponsePathSend{Root: root, Path: "file"})
		}), get())
		if !errors.Is(got.Err, want) || got.Truncated != (length == "9") ||
			got.Body != "contents"[:min(8, int(length[0]-'0'))] {
			t.Errorf("Content-Length %s: %+v", length, got)
		}
	}
}

func TestZeroCopySendPosition(t *testing.T) {
	file, err := directory(t).Open("file")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	got := parleytest.Do(t, app(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
		early := conn.Send(ctx, parley.HTTPResponseZeroCopySend{File: file})
		if !errors.Is(early, parley.ErrBodyBeforeStart) {
			return errors.New("sent before the head")
		}
		if err := conn.Send(ctx, parley.HTTPResponseStart{Status: 200}); err != nil {
			return err
		}
		return conn.Send(ctx, parley.HTTPResponseZeroCopySend{File: file}) // from the start still
	}), get())
	if got.Body != "contents" || got.Err != nil {
		t.Errorf("got %+v", got)
	}
}

// TestSendUnderEndedContext: a ctx of the app's own that has ended refuses.
func TestSendUnderEndedContext(t *testing.T) {
	enough := errors.New("enough")
	hasty := app(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
		ctx, cancel := context.WithCancelCause(ctx)
		cancel(enough)
		return conn.Send(ctx, parley.HTTPResponseStart{Status: 200})
	})
	x := parleytest.Start(t, hasty, get())
	if err := x.Wait(); err != enough || x.Status() != 500 || x.Header().Get("Content-Type") == "" {
		t.Errorf("%v, %d", err, x.Status())
	}
	if sent := x.Sent(); len(sent) != 1 || sent[0].Err != enough {
		t.Errorf("sent %v", sent)
	}
	if _, ok := x.Read(); !ok && x.Response().Body == "" {
		t.Error("no word of the failure")
	}
}
