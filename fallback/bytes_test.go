package fallback_test

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/fallback"
	"github.com/parleygo/parley/parleytest"
)

// What goes over the wire is what docs/fallback.md says, byte by byte.
func TestBytes(t *testing.T) {
	chat := func(t *testing.T) *fallback.App {
		app := parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
			accept := parley.WebSocketAccept{Header: http.Header{"X-Room": {"7"}}}
			if len(ws.Scope().Subprotocols) > 0 {
				accept.Subprotocol = ws.Scope().Subprotocols[0]
			}
			if err := ws.Accept(ctx, accept); err != nil {
				return err
			}
			if _, err := ws.Read(ctx); err != nil {
				return err
			}
			for _, message := range []parley.WebSocketSend{
				parley.Text("hello\nworld"), parley.Text("a\rb"), parley.Binary([]byte{0xff, 0}),
			} {
				if err := ws.Write(ctx, message); err != nil {
					return err
				}
			}
			return &parley.CloseError{Code: 4000, Reason: "bye"}
		})
		return serve(t, app, fallback.Options{})
	}
	each(t, func(t *testing.T, streams bool) {
		c := &client{t: t, app: chat(t), streams: streams, target: "/chat?protocols=chat.v2,chat.v1"}
		x := parleytest.Start(t, c.app, c.get())
		if got := x.Header().Get("X-Room"); got != "7" {
			t.Errorf("the accept's header is %q", got)
		}
		c.keep(x.Header())
		opening, _ := x.Read()
		c.session = regexp.MustCompile("[A-Z2-7]{26}").FindString(opening)
		if got := c.post("go"); got != 204 {
			t.Errorf("posted: %d", got)
		}
		synctest.Wait()
		got, want := x.Response().Body, streamBytes
		if !streams {
			want = pollBytes
			for _, cursor := range []uint64{0, 3} {
				c.cursor = cursor
				got += "\n" + parleytest.Do(t, c.app, c.get()).Body
			}
		}
		if got = strings.ReplaceAll(got, c.session, "SESSION"); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}

const streamBytes = `event: open
id: SESSION.0
retry: 1000
data: {"session":"SESSION","protocol":"chat.v2"}

id: SESSION.1
data: hello
data: world

id: SESSION.2
event: text
data: "a\rb"

id: SESSION.3
event: binary
data: /wA=

id:
event: close
data: {"code":4000,"reason":"bye"}

`

const pollBytes = `{"session":"SESSION","protocol":"chat.v2","cursor":0,"messages":[]}
{"cursor":3,"messages":[{"text":"hello\nworld"},{"text":"a\rb"},{"binary":"/wA="}]}
{"cursor":3,"messages":[],"closed":{"code":4000,"reason":"bye"}}`
