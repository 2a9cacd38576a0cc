package consumer_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/auth"
	"github.com/parleygo/parley/consumer"
	"github.com/parleygo/parley/internal/testlog"
)

// passing is a consumer whose client's identity ends while a request of it runs.
type passing struct {
	began       chan struct{}
	told, ended error
}

func (p *passing) ask(ctx context.Context, _ *consumer.Conn, _ struct{}) (string, error) {
	close(p.began)
	<-ctx.Done()
	p.told = context.Cause(ctx)
	return "a secret", nil
}

func (p *passing) Disconnect(_ context.Context, _ *consumer.Conn, cause error) { p.ended = cause }

// An identity that ends ends the request that runs for it, and nobody hears an answer.
func TestIdentityEndsWhileARequestRuns(t *testing.T) {
	for kind, options := range map[string]consumer.Options{"serial": {}, "concurrent": {Concurrency: 2}} {
		t.Run(kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log, p := new(testlog.Lines), &passing{began: make(chan struct{})}
				options.Logger = log.Logger()
				expires := time.Now().Add(3 * time.Second)
				who := auth.AuthenticatorFunc(func(context.Context, *parley.Scope) (*auth.Identity, error) {
					return &auth.Identity{ID: "ann", User: "ann", Expires: expires}, nil
				})
				s := dial(t, parley.Chain(consumer.New(func() *passing { return p }, options,
					consumer.AnswerType("ask", (*passing).ask),
				), auth.Stack(auth.StackOptions{
					Logger: silent, Auth: auth.Options{Authenticators: []auth.Authenticator{who}},
				})))
				s.Accept()
				s.Send(parley.Text(`{"type":"ask","id":7}`))
				<-p.began
				if code, _ := s.Closed(); code != parley.CloseUnauthorized {
					t.Errorf("closed with %d", code)
				}
				s.Wait()
				if !errors.Is(p.told, parley.ErrAuthExpired) || !errors.Is(p.ended, parley.ErrAuthExpired) {
					t.Errorf("told %v, ended with %v", p.told, p.ended)
				}
				if log.Len() != 0 {
					t.Errorf("logged %s", log)
				}
			})
		})
	}
}
