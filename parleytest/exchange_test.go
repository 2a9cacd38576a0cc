package parleytest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/parleytest"
)

type app = parley.AppFunc

func get() *http.Request { return httptest.NewRequest("GET", "/", nil) }

// upper answers every part of the body with the same in upper case.
var upper = app(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
	w, err := parley.NewBodyWriter(ctx, conn, parley.HTTPResponseStart{Status: 200})
	if err != nil {
		return err
	}
	body, buffer := parley.BodyReader(ctx, conn), make([]byte, 64)
	for {
		n, err := body.Read(buffer)
		if err == io.EOF {
			return w.Close()
		}
		if err != nil {
			return err
		}
		if _, err := w.Write([]byte(strings.ToUpper(string(buffer[:n])))); err != nil {
			return err
		}
	}
})

func TestDo(t *testing.T) {
	request := httptest.NewRequest("POST", "/", strings.NewReader("hello"))
	got := parleytest.Do(t, upper, request)
	if got.Status != 200 || got.Body != "HELLO" || got.Truncated || got.Err != nil {
		t.Errorf("got %+v", got)
	}
	if len(got.Sent) != 3 || got.Sent[0].Event.EventType() != "http.response.start" {
		t.Errorf("sent %v", got.Sent)
	}
}

func TestUpload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := parleytest.Upload(t, upper, httptest.NewRequest("POST", "/", nil))
		if x.Status() != 200 || !x.Quiet() {
			t.Error("the app speaks before its client")
		}
		x.Send("one")
		if part, ok := x.Read(); !ok || part != "ONE" {
			t.Errorf("read %q, %v", part, ok)
		}
		if part, ok := x.ReadWithin(time.Hour); ok {
			t.Errorf("read %q, which nobody has sent", part)
		}
		x.Send("two") // the app has outlived the reader that gave up
		x.End()
		if got := x.Response(); got.Body != "ONETWO" || got.Truncated {
			t.Errorf("got %+v", got)
		}
	})
}

func TestVanish(t *testing.T) {
	var cause, after, sent error
	x := parleytest.Upload(t, app(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
		_, err := io.ReadAll(parley.BodyReader(ctx, conn))
		cause = context.Cause(ctx)
		event, _ := conn.Receive(ctx)
		after = event.(parley.HTTPDisconnect).Cause
		sent = conn.Send(ctx, parley.HTTPResponseStart{Status: 200})
		return err
	}), httptest.NewRequest("POST", "/", nil))
	x.Send("half a bo")
	x.Vanish()
	got := x.Response()
	for name, err := range map[string]error{"body": got.Err, "cause": cause, "again": after,
		"send": sent} {
		if !errors.Is(err, parley.ErrDisconnected) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got.Status != 0 || !got.Truncated {
		t.Errorf("client saw %+v", got)
	}
}

func TestFinishedContext(t *testing.T) {
	var ctx context.Context
	parleytest.Do(t, app(func(c context.Context, _ *parley.Scope, conn parley.Conn) error {
		ctx = c
		return parley.Respond(c, conn, 204, nil, nil)
	}), get())
	if cause := context.Cause(ctx); cause != parley.ErrFinished {
		t.Errorf("cause %v", cause)
	}
}

func TestPanic(t *testing.T) {
	boom := errors.New("boom")
	got := parleytest.Do(t, app(func(context.Context, *parley.Scope, parley.Conn) error {
		panic(boom)
	}), get())
	var panicked *parley.PanicError
	if got.Status != 500 || !errors.As(got.Err, &panicked) ||
		!errors.Is(got.Err, boom) || !errors.Is(got.Err, parley.ErrAppPanic) {
		t.Errorf("got %+v", got)
	}
	if strings.Contains(got.Body, "boom") {
		t.Errorf("the client is told %q", got.Body)
	}
}

func TestClientContext(t *testing.T) {
	type key struct{}
	ctx, leave := context.WithCancel(context.WithValue(t.Context(), key{}, "value"))
	x := parleytest.Start(t, app(func(ctx context.Context, scope *parley.Scope, _ parley.Conn) error {
		<-ctx.Done()
		if scope.Request.Context().Value(key{}) != "value" {
			return errors.New("no value")
		}
		return context.Cause(ctx)
	}), get().WithContext(ctx))
	leave()
	if err := x.Wait(); err != parley.ErrDisconnected {
		t.Error(err)
	}
}
