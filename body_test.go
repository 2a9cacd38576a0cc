package parley_test

import (
	"context"
	"errors"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/parleytest"
)

type app = parley.AppFunc

func TestBodyReader(t *testing.T) {
	var got []byte
	var again error
	x := parleytest.Upload(t, app(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) (err error) {
		body := parley.BodyReader(ctx, conn)
		got, err = io.ReadAll(iotest.OneByteReader(body))
		_, again = body.Read(make([]byte, 1))
		return err
	}), httptest.NewRequest("POST", "/", nil))
	x.Send("one ")
	x.Send("") // an empty part is no end
	x.Send("two")
	x.End()
	if err := x.Wait(); err != nil || string(got) != "one two" || again != io.EOF {
		t.Errorf("got %q, %v, then %v", got, err, again)
	}
}

func TestBodyReaderCancelled(t *testing.T) {
	enough := errors.New("enough")
	x := parleytest.Upload(t, app(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
		ctx, cancel := context.WithCancelCause(ctx)
		cancel(enough)
		_, err := parley.BodyReader(ctx, conn).Read(make([]byte, 1))
		return err
	}), httptest.NewRequest("POST", "/", nil))
	if err := x.Wait(); err != enough {
		t.Error(err)
	}
}

func TestReadBodyLimit(t *testing.T) {
	for body, want := range map[string]error{"": nil, "1234": nil, "12345": parley.ErrTooLarge} {
		request := httptest.NewRequest("POST", "/", strings.NewReader(body))
		got := parleytest.Do(t, app(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
			data, err := parley.ReadBody(ctx, conn, 4)
			if err != nil {
				return err
			}
			return parley.Respond(ctx, conn, 200, nil, data)
		}), request)
		if got.Err != want || want == nil && got.Body != body || want != nil && got.Status != 413 {
			t.Errorf("%q: %+v", body, got)
		}
	}
}

func TestReadBodyLost(t *testing.T) {
	x := parleytest.Upload(t, app(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
		_, err := parley.ReadBody(ctx, conn, 100)
		return err
	}), httptest.NewRequest("POST", "/", nil))
	x.Send("half")
	x.Vanish()
	if err := x.Wait(); !errors.Is(err, parley.ErrDisconnected) {
		t.Error(err)
	}
}

func TestRespond(t *testing.T) {
	for status, length := range map[int]string{200: "3", 404: "3", 204: "", 304: ""} {
		got := parleytest.Do(t, app(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
			return parley.Respond(ctx, conn, status, nil, []byte("yes"))
		}), httptest.NewRequest("GET", "/", nil))
		if got.Status != status || got.Header.Get("Content-Length") != length || got.Err != nil {
			t.Errorf("%d: %+v", status, got)
		}
	}
}

func TestBodyWriter(t *testing.T) {
	x := parleytest.Start(t, app(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
		w, err := parley.NewBodyWriter(ctx, conn, parley.HTTPResponseStart{Status: 200})
		if err != nil {
			return err
		}
		n, err := w.Write([]byte("part"))
		if err != nil || n != 4 {
			return errors.Join(err, io.ErrShortWrite)
		}
		if err := w.Flush(); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
		_, err = w.Write([]byte("late"))
		return err
	}), httptest.NewRequest("GET", "/", nil))
	got := x.Response()
	if got.Body != "part" || got.Truncated || !errors.Is(got.Err, parley.ErrResponseComplete) {
		t.Errorf("got %+v", got)
	}
	buffered := got.Sent[1].Event.(parley.HTTPResponseBody)
	flushed := got.Sent[2].Event.(parley.HTTPResponseBody)
	if !buffered.Buffered || !buffered.More || flushed.Buffered || !flushed.More {
		t.Errorf("write %+v, flush %+v", buffered, flushed)
	}
}
