package fallback_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/fallback"
	"github.com/parleygo/parley/parleytest"
)

// numbered sends a message that has a number and returns the answer's status.
func (c *client) numbered(number any, text string) int {
	c.t.Helper()
	r := c.request("POST", text)
	r.Header.Set("Parley-Message", fmt.Sprint(number))
	return parleytest.Do(c.t, c.app, r).Status
}

// TestNumberedMessages: a message that has a number is heard once, in its turn, however
// often it is sent.
func TestNumberedMessages(t *testing.T) {
	each(t, func(t *testing.T, streams bool) {
		var heard []string
		app := serve(t, parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
			if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
				return err
			}
			for {
				message, err := ws.Read(ctx)
				if err != nil || string(message.Data) == "end" {
					return err
				}
				heard = append(heard, string(message.Data))
			}
		}), fallback.Options{})
		c := (&client{t: t, app: app, streams: streams}).mustOpen()
		for _, step := range []struct {
			number any
			text   string
			want   int
		}{
			{2, "too early", 409}, {0, "none", 400}, {"x", "none", 400}, {-1, "none", 400},
			{1, "one", 204}, {1, "one again", 204}, {3, "a gap", 409}, {2, "two", 204},
			{"", "without", 204}, {1, "one late", 204}, {3, "three", 204}, {4, "end", 204},
		} {
			if got := c.numbered(step.number, step.text); got != step.want {
				t.Errorf("%v %q: %d, want %d", step.number, step.text, got, step.want)
			}
		}
		synctest.Wait()
		if want := []string{"one", "two", "without", "three"}; !slices.Equal(heard, want) {
			t.Errorf("heard %q, want %q", heard, want)
		}
		// What was taken was taken, though the session is over, until its client knows.
		wantAgain, wantNext := 204, 410
		if streams {
			wantAgain, wantNext = 404, 404
		}
		again, next := c.numbered(4, "end"), c.numbered(5, "more")
		if again != wantAgain || next != wantNext {
			t.Errorf("after the end: %d again, %d anew", again, next)
		}
		settled(t, app)
	})
}

// TestNumberInTheQuery is for clients that can set no header.
func TestNumberInTheQuery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app := serve(t, new(host).echo(), fallback.Options{})
		c := (&client{t: t, app: app}).mustOpen()
		for range 2 {
			r := c.request("POST", "hello")
			r.URL.RawQuery = "message=1"
			if got := parleytest.Do(t, app, r).Status; got != 204 {
				t.Errorf("answered with %d", got)
			}
		}
		if got := app.Stats().Received; got != 1 {
			t.Errorf("received %d times", got)
		}
	})
}

// TestResentWhileItWaits: a client gives up on a message for which the app has no room
// yet, and sends it again: the app hears it once, whether the first one still waits or
// its connection is gone.
func TestResentWhileItWaits(t *testing.T) {
	for name, vanish := range map[string]bool{"waits": false, "gone": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				read, heard := make(chan struct{}), []string{}
				app := serve(t, parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
					if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
						return err
					}
					<-read
					for {
						message, err := ws.Read(ctx)
						if err != nil {
							return err
						}
						heard = append(heard, string(message.Data[:1]))
					}
				}), fallback.Options{ReceiveBytes: 100})
				c := (&client{t: t, app: app}).mustOpen()
				if got := c.numbered(1, strings.Repeat("1", 100)); got != 204 {
					t.Fatalf("the first message: %d", got)
				}
				post := func() *parleytest.Exchange {
					r := c.request("POST", "2")
					r.Header.Set("Parley-Message", "2")
					x := parleytest.Start(t, app, r)
					synctest.Wait()
					return x
				}
				first := post()
				if vanish {
					first.Vanish()
				}
				second := post()
				close(read)
				if !vanish && first.Status() != 204 {
					t.Errorf("the one that waited: %d", first.Status())
				}
				if second.Status() != 204 {
					t.Errorf("sent again: %d", second.Status())
				}
				synctest.Wait()
				if want := []string{"1", "2"}; !slices.Equal(heard, want) {
					t.Errorf("heard %q, want %q", heard, want)
				}
			})
		})
	}
}
