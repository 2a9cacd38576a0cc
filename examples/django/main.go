// Command django is the front of a Django project: its pages are Django's, behind a
// reverse proxy, its sockets are served here, with Django's login, and both share what
// is sent to groups.
//
//	cd examples/django
//	export SECRET_KEY=development DEBUG=1
//	python3 site/manage.py migrate && python3 site/manage.py createsuperuser
//	python3 site/manage.py runserver 8000 &
//	go run .
//
// It needs a redis-server, and Django with channels_redis. Then open
// http://localhost:8080/ and log in.
package main

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"log"
	"net"
	"net/http/httputil"
	"net/url"
	"os"
	"time"

	_ "github.com/mattn/go-sqlite3"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/redis/channelsredis"
	"github.com/parleygo/parley/router"
	"github.com/parleygo/parley/server"
)

// settings are those that both programs have to agree on.
type settings struct {
	listen, django, redis, database, secret string
	signedCookies                           bool
}

func main() {
	if err := run(context.Background(), settings{
		listen:        cmp.Or(os.Getenv("LISTEN"), "127.0.0.1:8080"),
		django:        cmp.Or(os.Getenv("DJANGO"), "http://127.0.0.1:8000"),
		redis:         cmp.Or(os.Getenv("REDIS_URL"), "redis://localhost:6379"),
		database:      cmp.Or(os.Getenv("DATABASE"), "site/db.sqlite3"),
		secret:        os.Getenv("SECRET_KEY"),
		signedCookies: os.Getenv("SESSION_ENGINE") == "django.contrib.sessions.backends.signed_cookies",
	}, nil); err != nil {
		log.Fatal(err)
	}
}

// run serves until ctx ends. serving, if set, is told the address.
func run(ctx context.Context, s settings, serving func(net.Addr)) (err error) {
	db, err := sql.Open("sqlite3", "file:"+s.database+"?mode=ro&_busy_timeout=5000")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	transport, err := channelsredis.PubSub(channelsredis.Options{Hosts: []string{s.redis}})
	if err != nil {
		return err
	}
	layer := channel.New(channel.Options{Transport: transport})
	sockets, err := newSockets(ctx, s, db, layer)
	if err != nil {
		return errors.Join(err, layer.Close(ctx))
	}
	pages, err := newPages(s.django)
	if err != nil {
		return errors.Join(err, layer.Close(ctx))
	}
	return server.Run(ctx, router.Protocols{
		parley.HTTP:      nethttp.App(pages),
		parley.WebSocket: sockets,
		parley.Lifespan:  parley.LifespanHooks{Shutdown: layer.Close, ShutdownTimeout: 5 * time.Second},
	}, server.Options{Addr: s.listen, Serving: serving})
}

// newPages is Django behind a proxy that leaves the Host alone, which Django's check for
// forged requests looks at.
func newPages(django string) (*httputil.ReverseProxy, error) {
	target, err := url.Parse(django)
	if err != nil {
		return nil, err
	}
	return &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host
		r.SetXForwarded()
	}}, nil
}
