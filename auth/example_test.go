package auth_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/auth"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/middleware"
	"github.com/parleygo/parley/router"
)

// serve has app answer a request and returns the answer.
func serve(app parley.App, method, target string, headers ...string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	gateway := nethttp.Handler(app, nethttp.Options{Logger: slog.New(slog.DiscardHandler)})
	gateway.ServeHTTP(w, request(method, target, headers...))
	return w
}

// hello is the app that the examples protect.
var hello = parley.AppFunc(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
	return parley.Respond(ctx, conn, 200, nil, []byte("hello"))
})

// Member is the user of the examples.
type Member struct{ Name string }

func member(_ context.Context, id string) (*auth.Identity, error) {
	return &auth.Identity{ID: id, User: Member{id}}, nil // a real one asks its database
}

// A site with a login page, whose other pages and sockets need a login.
func Example_login() {
	manager := newSessions() // scs.New() with a store that lasts
	sessions := auth.NewSessions(auth.SessionOptions{Manager: manager, Identify: member})
	layer := channel.New(channel.Options{})

	login := parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		if err := sessions.Login(ctx, &auth.Identity{ID: "ann", User: Member{"ann"}}); err != nil {
			return err
		}
		return parley.Respond(ctx, conn, 204, nil, nil)
	})
	private := parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		user, err := auth.User[Member](ctx)
		if err != nil {
			return err
		}
		return parley.Respond(ctx, conn, 200, nil, []byte("hello "+user.Name))
	})
	var routes router.URLs
	routes.Handle("POST /login", login)
	routes.Handle("/", auth.Require(auth.RequireOptions{})(private))

	app := auth.Stack(auth.StackOptions{
		Sessions: manager,
		Auth: auth.Options{
			Authenticators: []auth.Authenticator{sessions},
			Revocations:    auth.NewChannelRevocations(layer),
		},
	})(&routes)

	fmt.Println(serve(app, "GET", "/").Code)
	cookie, _, _ := strings.Cut(serve(app, "POST", "/login").Header().Get("Set-Cookie"), ";")
	fmt.Println(serve(app, "GET", "/", "Cookie", cookie).Body)
	// Output:
	// 401
	// hello ann
}

func ExampleSession() {
	manager := newSessions() // scs.New() with a store that lasts
	app := auth.LoadAndSave(manager)(parley.AppFunc(
		func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
			manager.Put(ctx, "visits", manager.GetInt(ctx, "visits")+1)
			return parley.Respond(ctx, conn, 200, nil, []byte(fmt.Sprint(manager.GetInt(ctx, "visits"))))
		}))
	first := serve(app, "GET", "/")
	cookie, _, _ := strings.Cut(first.Header().Get("Set-Cookie"), ";")
	fmt.Println(first.Body, serve(app, "GET", "/", "Cookie", cookie).Body)
	// Output: 1 2
}

func ExampleNewBearer() {
	key := []byte("a secret of at least 32 bytes ....")
	bearer := auth.NewBearer(auth.BearerOptions{
		Algorithms: []string{"HS256"},
		Key:        func(*jwt.Token) (any, error) { return key, nil },
		Identify: func(ctx context.Context, claims jwt.MapClaims) (*auth.Identity, error) {
			id, err := claims.GetSubject()
			if err != nil {
				return nil, err
			}
			return member(ctx, id)
		},
	})
	who := auth.Middleware(auth.Options{
		// Programs send the header; browsers' sockets offer ["bearer", token].
		Authenticators: []auth.Authenticator{bearer, auth.NewSubprotocol(bearer)},
	})
	app := parley.Chain(hello, who, auth.Require(auth.RequireOptions{}))

	token, _ := jwt.NewWithClaims(jwt.SigningMethodHS256,
		jwt.MapClaims{"sub": "ann", "exp": time.Now().Add(time.Hour).Unix()}).SignedString(key)
	fmt.Println(serve(app, "GET", "/", "Authorization", "Bearer "+token).Code)
	fmt.Println(serve(app, "GET", "/", "Authorization", "Bearer "+token+"x").Code)
	// Output:
	// 200
	// 401
}

func ExampleNewTickets() {
	tickets := auth.NewTickets(auth.TicketOptions{
		Key: []byte("32 bytes of a secret for tickets"), Identify: member,
	})
	app := parley.Chain(hello,
		auth.Middleware(auth.Options{Authenticators: []auth.Authenticator{tickets}}),
		auth.Require(auth.RequireOptions{}))

	ticket, err := tickets.Issue("ann") // of no login: see Tickets.IssueFrom
	if err != nil {
		fmt.Println(err)
	}
	fmt.Println(serve(app, "GET", "/stream?ticket="+ticket).Code)
	fmt.Println(serve(app, "GET", "/stream?ticket="+ticket).Code) // it was good once
	// Output:
	// 200
	// 401
}

// does is an app that does something and answers what that returns.
func does(something func(ctx context.Context) (string, error)) parley.App {
	return parley.AppFunc(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
		text, err := something(ctx)
		if err != nil {
			return err
		}
		return parley.Respond(ctx, conn, 200, nil, []byte(text))
	})
}

// A ticket of a login: it lets nobody in after the logout.
func ExampleTickets_IssueFrom() {
	manager := newSessions() // scs.New() with a store that lasts
	sessions := auth.NewSessions(auth.SessionOptions{Manager: manager, Identify: member})
	tickets := auth.NewTickets(auth.TicketOptions{Key: []byte("32 bytes of a secret for tickets")})

	var routes router.URLs
	routes.Handle("POST /login", does(func(ctx context.Context) (string, error) {
		return "", sessions.Login(ctx, &auth.Identity{ID: "ann"}) // ask for a password
	}))
	routes.Handle("POST /ticket", does(tickets.IssueFrom))
	routes.Handle("POST /logout", does(func(ctx context.Context) (string, error) {
		return "", sessions.Logout(ctx)
	}))
	routes.Handle("/stream", auth.Require(auth.RequireOptions{})(hello))
	app := auth.Stack(auth.StackOptions{
		Sessions: manager,
		Auth:     auth.Options{Authenticators: []auth.Authenticator{tickets, sessions}},
	})(&routes)

	cookie, _, _ := strings.Cut(serve(app, "POST", "/login").Header().Get("Set-Cookie"), ";")
	first := serve(app, "POST", "/ticket", "Cookie", cookie).Body.String()
	second := serve(app, "POST", "/ticket", "Cookie", cookie).Body.String()
	fmt.Println(serve(app, "GET", "/stream?ticket="+first).Code)
	serve(app, "POST", "/logout", "Cookie", cookie)
	fmt.Println(serve(app, "GET", "/stream?ticket="+second).Code)
	// Output:
	// 200
	// 401
}

func ExampleStack() {
	stack := auth.Stack(auth.StackOptions{
		Proxies: middleware.NewTrustedProxies(middleware.ProxiesOptions{Trust: []string{"10.0.0.0/8"}}),
		Hosts:   []string{"shop.example"},
	})
	fmt.Println(serve(stack(hello), "GET", "http://shop.example/").Code)
	fmt.Println(serve(stack(hello), "GET", "http://evil.example/").Code)
	// Output:
	// 200
	// 400
}

// A user who is shut out: what they have open ends, in every process.
func ExampleRevokeUser() {
	revocations := auth.NewChannelRevocations(channel.New(channel.Options{}))
	// The same value is in auth.Options.Revocations of the site.
	shutOut := func(ctx context.Context, id string) error {
		// End sessions and tokens first: take the user's stamp, or the user, away.
		return auth.RevokeUser(ctx, revocations, id)
	}
	fmt.Println(shutOut(context.Background(), "ann"))
	// Output: <nil>
}

// A socket whose client sends a fresh token before the old one expires.
func ExampleRenew() {
	app := parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
		if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
			return err
		}
		for {
			message, err := ws.Read(ctx)
			if err != nil {
				return err
			}
			if token, ok := strings.CutPrefix(message.Text(), "token "); ok {
				if err := auth.Renew(ctx, token); err != nil {
					return &parley.CloseError{Code: parley.CloseUnauthorized}
				}
				continue
			}
			// What else the client says.
		}
	})
	fmt.Println(app != nil)
	// Output: true
}
