package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/consumer"
	"github.com/parleygo/parley/internal/testlog"
	"github.com/parleygo/parley/parleytest"
)

// asker is what a request's handler does.
type asker func(ctx context.Context, conn *consumer.Conn, line said) (any, error)

func returns(result any, err error) asker {
	return func(context.Context, *consumer.Conn, said) (any, error) { return result, err }
}

// patient waits for the end of its context, and returns then.
func patient(result any, err func(context.Context) error) asker {
	return func(ctx context.Context, _ *consumer.Conn, _ said) (any, error) {
		<-ctx.Done()
		return result, err(ctx)
	}
}

// deaf returns 20 s after it was called, whatever its context says.
func deaf(ask asker) asker {
	return func(ctx context.Context, conn *consumer.Conn, line said) (any, error) {
		time.Sleep(20 * time.Second)
		return ask(ctx, conn, line)
	}
}

const (
	failed = `"error":{"code":"internal","message":"the request has failed"}`
	late   = `"error":{"code":"timeout","message":"the request has taken too long"}`
)

// However a request's handler ends, its client has one answer, or the close is the
// answer. What no client may know is logged, once.
func TestRequestEnds(t *testing.T) {
	refusal := &consumer.Error{Code: "full", Message: `50 "people"`}
	for _, test := range []struct {
		name    string
		request string // `{"type":"ask","id":7}`
		ask     asker
		want    string           // of the answer
		code    parley.CloseCode // 0: the connection goes on
		logged  string
	}{
		{name: "result", ask: returns(said{"a"}, nil), want: `"result":{"text":"a"}`},
		{name: "no result", ask: returns(nil, nil), want: `"result":null`},
		{name: "acknowledged", request: `{"type":"line","id":7,"text":"a"}`, want: `"result":null`},
		{name: "not acknowledged", request: `{"type":"sulk","id":7}`,
			want: `"error":{"code":"no","message":"not today"}`},
		{name: "acknowledged failure", request: `{"type":"fail","id":7}`, want: failed, logged: "test"},
		{name: "refusal", ask: returns(nil, refusal),
			want: `"error":{"code":"full","message":"50 \"people\""}`},
		{name: "wrapped refusal", ask: returns("x", fmt.Errorf("joining: %w", refusal)),
			want: `"error":{"code":"full","message":"50 \"people\""}`},
		{name: "error", ask: returns("x", errTest), want: failed, logged: "test"},
		{name: "own deadline", ask: returns(nil, context.DeadlineExceeded), want: failed,
			logged: "deadline"},
		{name: "own cancellation", ask: returns(nil, context.Canceled), want: failed,
			logged: "canceled"},
		{name: "another's end", ask: returns(nil, parley.ErrDisconnected), want: failed, logged: "disc"},
		{name: "closed layer", ask: returns(nil, channel.ErrClosed), want: failed, logged: "closed"},
		{name: "no JSON of it", ask: returns(math.NaN(), nil), want: failed, logged: "unsupported value"},
		{name: "misfit", request: `{"type":"ask","id":7,"text":[]}`,
			want: `"error":{"code":"invalid","message":"the message does not fit its type"}`},
		{name: "no JSON", request: `{"type":"ask","id":7,"text":[}`, code: 1007},
		{name: "unknown", request: `{"type":"what","id":7}`,
			want: `"error":{"code":"unknown_type","message":"nobody handles this type"}`},

		{name: "stop", ask: returns("x", consumer.ErrStop), code: 1000},
		{name: "close code", ask: returns("x", &parley.CloseError{Code: 4003}), code: 4003},
		{name: "own close", ask: closing, code: 4001},
		{name: "panic", ask: func(context.Context, *consumer.Conn, said) (any, error) { panic("ouch") },
			want: failed, code: 1011},
		{name: "panic of its result", ask: returns(explosive{}, nil), want: failed, code: 1011},
		{name: "exit", ask: func(context.Context, *consumer.Conn, said) (any, error) {
			runtime.Goexit()
			return nil, nil
		}, want: failed, code: 1011},

		{name: "late", ask: patient(nil, context.Cause), want: late},
		{name: "late by the standard library", ask: patient(nil, context.Context.Err), want: late},
		{name: "late result", ask: deaf(returns("x", nil)), want: late},
		{name: "late refusal", ask: deaf(returns(nil, refusal)), want: late},
		{name: "late error", ask: deaf(returns(nil, errTest)), want: late, logged: "test"},
		{name: "late stop", ask: deaf(returns(nil, consumer.ErrStop)), want: late, code: 1000},
		{name: "late panic", ask: deaf(func(context.Context, *consumer.Conn, said) (any, error) {
			panic("ouch")
		}), want: late, code: 1011},
	} {
		for kind, options := range map[string]consumer.Options{
			"serial": {}, "concurrent": {Concurrency: 2}, "executor": {Executor: &apart{}},
		} {
			t.Run(test.name+"/"+kind, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					log := new(testlog.Lines)
					options.Logger = log.Logger()
					app := (&board{ask: test.ask}).app(options)
					s := dial(t, app)
					s.Accept()
					request := test.request
					if request == "" {
						request = `{"type":"ask","id":7}`
					}
					s.Send(parley.Text(request))
					checkAnswer(t, s, test.want, test.code)
					if test.code == 0 {
						s.Close(parley.CloseNormal, "")
					}
					s.Wait()
					lines := 0
					if test.logged != "" {
						lines = 1
					}
					if log.Len() != lines || !strings.Contains(log.String(), test.logged) {
						t.Errorf("logged %q, want %q once", log.All(), test.logged)
					}
					if got := app.Stats(); got.Requests != 1 && !strings.Contains(request, "what") ||
						got.Connections != 0 || got.Failed > 1 {
						t.Errorf("%+v", got)
					}
				})
			})
		}
	}
}

func closing(ctx context.Context, conn *consumer.Conn, _ said) (any, error) {
	return nil, errors.Join(conn.Close(ctx, 4001, "enough"), conn.Send(ctx, parley.Text("x")))
}

// explosive is a result that cannot even be looked at.
type explosive struct{}

func (explosive) MarshalJSON() ([]byte, error) { panic("ouch") }

// checkAnswer waits for the answer to request 7, behind which nothing comes but the
// code, if the connection is to end.
func checkAnswer(t *testing.T, s *parleytest.Socket, want string, code parley.CloseCode) {
	t.Helper()
	if strings.HasPrefix(want, `"result":null`) || want == "" {
		synctest.Wait()
	}
	for want != "" {
		got := s.Receive().Text()
		if strings.HasPrefix(got, "line ") {
			continue // what the handler says itself
		}
		if got != `{"type":"parley.reply","id":7,`+want+`}` {
			t.Errorf("received %s, want %s", got, want)
		}
		break
	}
	if code != 0 {
		if got, _ := s.Closed(); got != code {
			t.Errorf("closed with %d, want %d", got, code)
		}
	}
	if got, ok := s.ReceiveWithin(2 * time.Minute); ok {
		t.Errorf("received %s behind the answer", got.Text())
	}
}

// A client that leaves ends its requests: the handler hears of it, nobody is answered,
// and nothing is logged.
func TestRequestOfOneWhoIsGone(t *testing.T) {
	for _, test := range []struct {
		name string
		ask  asker
	}{
		{"canceled", patient(nil, context.Context.Err)}, {"cause", patient(nil, context.Cause)},
		{"result", patient("x", func(context.Context) error { return nil })},
		{"refusal", patient(nil, func(context.Context) error { return &consumer.Error{Code: "a"} })},
	} {
		for _, n := range []int{1, 3} {
			synctest.Test(t, func(t *testing.T) {
				log, told := new(testlog.Lines), 0
				var mu sync.Mutex
				b := &board{ask: func(ctx context.Context, conn *consumer.Conn, l said) (any, error) {
					result, err := test.ask(ctx, conn, l)
					mu.Lock()
					defer mu.Unlock()
					if errors.Is(context.Cause(ctx), parley.ErrIdle) {
						told++
					}
					return result, err
				}}
				s := dial(t, b.app(consumer.Options{Concurrency: n, Logger: log.Logger()}))
				s.Accept()
				for id := range n {
					s.Send(parley.Text(fmt.Sprintf(`{"type":"ask","id":%d}`, id+1)))
				}
				synctest.Wait()
				s.Fail(parley.ErrIdle)
				if err := s.Wait(); !errors.Is(err, parley.ErrDisconnected) && !errors.Is(err, parley.ErrIdle) {
					t.Errorf("%s: ended with %v", test.name, err)
				}
				if told != n || log.Len() != 0 {
					t.Errorf("%s: %d told, logged %q", test.name, told, log)
				}
			})
		}
	}
}

// An id may be used again when its request is answered, and not before.
func TestRequestIDs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		b := &board{ask: func(context.Context, *consumer.Conn, said) (any, error) {
			<-release
			return "done", nil
		}}
		app := b.app(consumer.Options{Concurrency: 3})
		s := dial(t, app)
		s.Send(parley.Text(`{"type":"ask","id":1}`))
		s.Send(parley.Text(`{"type":"ask","id":2}`))
		synctest.Wait()
		close(release)
		got := s.Receive().Text() + s.Receive().Text()
		for _, want := range []string{`"id":1,"result":"done"`, `"id":2,"result":"done"`} {
			if !strings.Contains(got, want) {
				t.Errorf("received %s, want %s", got, want)
			}
		}
		s.Send(parley.Text(`{"type":"ask","id":1}`))
		if got := s.Receive().Text(); !strings.Contains(got, `"id":1,"result":"done"`) {
			t.Errorf("received %s", got)
		}
		release = make(chan struct{})
		s.Send(parley.Text(`{"type":"ask","id":1}`))
		synctest.Wait()
		s.Send(parley.Text(`{"type":"ask","id":1}`))
		synctest.Wait()
		close(release)
		if code, _ := s.Closed(); code != 1007 {
			t.Errorf("closed with %d", code)
		}
		s.Wait()
		if got := app.Stats(); got.Requests != 5 || got.Refused != 1 {
			t.Errorf("%+v", got)
		}
	})
}

// A request that is late makes room for its id, and for others.
func TestLateRequestFreesItsID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &board{}
		b.ask = func(_ context.Context, _ *consumer.Conn, line said) (any, error) {
			if line.Text == "slow" {
				time.Sleep(20 * time.Second)
			}
			return line.Text, nil
		}
		s := dial(t, b.app(consumer.Options{Concurrency: 2, RequestTimeout: time.Second}))
		s.Send(parley.Text(`{"type":"ask","id":7,"text":"slow"}`))
		if got := s.Receive().Text(); !strings.Contains(got, "timeout") {
			t.Errorf("received %s", got)
		}
		s.Send(parley.Text(`{"type":"ask","id":7,"text":"quick"}`))
		if got := s.Receive().Text(); got != `{"type":"parley.reply","id":7,"result":"quick"}` {
			t.Errorf("received %s", got)
		}
		s.Close(parley.CloseNormal, "")
		s.Wait()
	})
}

// Without a limit a handler has all the time that it wants.
func TestRequestsWithoutLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &board{ask: func(ctx context.Context, _ *consumer.Conn, _ said) (any, error) {
			time.Sleep(24 * time.Hour)
			_, limited := ctx.Deadline()
			return limited, ctx.Err()
		}}
		s := dial(t, b.app(consumer.Options{RequestTimeout: -1}))
		s.Send(parley.Text(`{"type":"ask","id":7}`))
		got, _ := s.ReceiveWithin(25 * time.Hour)
		if !strings.Contains(got.Text(), `"result":false`) {
			t.Errorf("received %s", got.Text())
		}
	})
}
