package parley_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/parleytest"
)

// B96: an app in two steps, the scope first and then what it says, is an app in one.
func ExampleAppFunc_inTwoSteps() {
	type instance func(ctx context.Context, receive func(context.Context) (parley.Event, error),
		send func(context.Context, parley.Event) error) error
	inTwoSteps := func(scope *parley.Scope) instance {
		path := scope.Request.URL.Path
		return func(ctx context.Context, _ func(context.Context) (parley.Event, error),
			send func(context.Context, parley.Event) error,
		) error {
			if err := send(ctx, parley.HTTPResponseStart{Status: 200}); err != nil {
				return err
			}
			return send(ctx, parley.HTTPResponseBody{Body: []byte("this is " + path)})
		}
	}
	app := parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		return inTwoSteps(scope)(ctx, conn.Receive, conn.Send)
	})
	fmt.Println(parleytest.Do(t, app, httptest.NewRequest("GET", "/tea", nil)).Body)
	// Output: this is /tea
}
