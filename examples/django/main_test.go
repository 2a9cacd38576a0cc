package main

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/parleygo/parley/internal/leak"
	"github.com/parleygo/parley/internal/servicetest"
)

func TestMain(m *testing.M) { leak.Main(m) }

const patience = 2 * time.Minute

// project is Django and the Go program in front of it.
type project struct {
	t           *testing.T
	python      string
	environment []string
	at          string // host and port of the Go program
}

func start(t *testing.T, engine string) *project {
	t.Helper()
	p := &project{t: t, python: servicetest.Program(t, "/usr/bin/python3", "python3")}
	if err := exec.Command(p.python, "-c", "import django, channels_redis").Run(); err != nil {
		if os.Getenv("PARLEY_REQUIRE_SERVICES") == "1" {
			t.Fatal("Django and channels_redis are required here")
		}
		t.Skip("no Django to test with")
	}
	redis := servicetest.StartRedis(t)
	port := servicetest.FreePort(t)
	s := settings{
		listen: "127.0.0.1:0", django: "http://127.0.0.1:" + port, redis: "redis://" + redis.Addr,
		database: filepath.Join(t.TempDir(), "db.sqlite3"), secret: "a key for tests",
		signedCookies: strings.HasSuffix(engine, "signed_cookies"),
	}
	p.environment = append(os.Environ(), "SECRET_KEY="+s.secret, "DATABASE="+s.database,
		"REDIS_URL="+s.redis, "SESSION_ENGINE="+engine)
	p.manage("migrate", "--verbosity", "0")
	p.shell(`from django.contrib.auth.models import User; User.objects.create_user("ann", password="pw")`)
	p.serveDjango(port)
	ctx, cancel := context.WithCancel(context.Background())
	serving, done := make(chan net.Addr, 1), make(chan error, 1)
	go func() { done <- run(ctx, s, func(a net.Addr) { serving <- a }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	select {
	case address := <-serving:
		p.at = address.String()
	case err := <-done:
		done <- nil
		t.Fatal(err)
	}
	return p
}

func (p *project) command(arguments ...string) *exec.Cmd {
	command := exec.Command(p.python, append([]string{"site/manage.py"}, arguments...)...)
	command.Env = p.environment
	return command
}

func (p *project) manage(arguments ...string) {
	p.t.Helper()
	if output, err := p.command(arguments...).CombinedOutput(); err != nil {
		p.t.Fatalf("%v: %v\n%s", arguments, err, output)
	}
}

func (p *project) shell(code string) {
	p.t.Helper()
	p.manage("shell", "-c", code)
}

// serveDjango starts Django's own server, which ends with the test.
func (p *project) serveDjango(port string) {
	p.t.Helper()
	command := p.command("runserver", "--noreload", "127.0.0.1:"+port)
	if err := command.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait() // it was killed
	})
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			conn.Close()
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatal(err)
		}
	}
}

// visitor is a browser.
type visitor struct {
	*project
	client *http.Client
}

func (p *project) visit() *visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		p.t.Fatal(err)
	}
	transport := &http.Transport{}
	p.t.Cleanup(transport.CloseIdleConnections)
	return &visitor{p, &http.Client{Jar: jar, Transport: transport, Timeout: patience}}
}

func (v *visitor) get(path string) {
	v.t.Helper()
	response, err := v.client.Get("http://" + v.at + path)
	if err != nil {
		v.t.Fatal(err)
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil || response.StatusCode != http.StatusOK {
		v.t.Fatalf("GET %s: %s, %v", path, response.Status, err)
	}
}

// post sends a form, with the token against forged requests.
func (v *visitor) post(path string, form url.Values) {
	v.t.Helper()
	site := &url.URL{Scheme: "http", Host: v.at}
	for _, cookie := range v.client.Jar.Cookies(site) {
		if cookie.Name == "csrftoken" {
			form.Set("csrfmiddlewaretoken", cookie.Value)
		}
	}
	response, err := v.client.PostForm(site.String()+path, form)
	if err != nil {
		v.t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode >= 400 {
		v.t.Fatalf("POST %s: %s", path, response.Status)
	}
}

func (v *visitor) login() {
	v.t.Helper()
	v.get("/login/")
	v.post("/login/", url.Values{"username": {"ann"}, "password": {"pw"}})
}

// dial returns a socket, or the status that refused it.
func (v *visitor) dial(origin string) (*websocket.Conn, int) {
	v.t.Helper()
	dialer := websocket.Dialer{Jar: v.client.Jar, HandshakeTimeout: patience}
	header := http.Header{"Origin": {origin}}
	conn, response, err := dialer.Dial("ws://"+v.at+"/ws/notes/", header)
	if err != nil {
		if response == nil {
			v.t.Fatal(err)
		}
		return nil, response.StatusCode
	}
	v.t.Cleanup(func() { conn.Close() })
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		v.t.Fatal(err)
	}
	return conn, http.StatusSwitchingProtocols
}

func (v *visitor) open() *websocket.Conn {
	v.t.Helper()
	conn, status := v.dial("http://" + v.at)
	if conn == nil {
		v.t.Fatalf("the socket is refused: %d", status)
	}
	if got := v.next(conn); got["type"] != "hello" || got["user"] != "ann" {
		v.t.Fatalf("the socket says %v", got)
	}
	return conn
}

func (v *visitor) next(conn *websocket.Conn) (got map[string]any) {
	v.t.Helper()
	_, text, err := conn.ReadMessage()
	if err == nil {
		err = json.Unmarshal(text, &got)
	}
	if err != nil {
		v.t.Fatalf("%s: %v", text, err)
	}
	return got
}

var engines = []string{
	"django.contrib.sessions.backends.db", "django.contrib.sessions.backends.signed_cookies",
	"django.contrib.sessions.backends.cached_db",
}

func TestProject(t *testing.T) {
	for _, engine := range engines {
		t.Run(engine[strings.LastIndexByte(engine, '.')+1:], func(t *testing.T) {
			p := start(t, engine)
			v := p.visit()
			if _, status := v.dial("http://" + p.at); status != http.StatusUnauthorized {
				t.Errorf("nobody gets %d", status)
			}
			v.login()
			if _, status := v.dial("https://evil.example"); status != http.StatusForbidden {
				t.Errorf("a foreign page gets %d", status)
			}
			conn := v.open()
			v.post("/", url.Values{"text": {"by django"}})
			if got := v.next(conn); got["type"] != "note.new" || got["by"] != "ann" || got["text"] != "by django" {
				t.Errorf("the socket receives %v", got)
			}
			say := `{"type":"note.new","text":"by go"}`
			if err := conn.WriteMessage(websocket.TextMessage, []byte(say)); err != nil {
				t.Fatal(err)
			}
			if got := v.next(conn); got["type"] != "note.new" || got["by"] != "ann" || got["text"] != "by go" {
				t.Errorf("the socket receives %v", got)
			}
			v.post("/logout/", url.Values{})
			if _, _, err := conn.ReadMessage(); !websocket.IsCloseError(err, 4401) {
				t.Errorf("after the logout: %v", err)
			}
			if _, status := v.dial("http://" + p.at); status != http.StatusUnauthorized {
				t.Errorf("who has logged out gets %d", status)
			}
		})
	}
}

// A login ends with the password that it was made with, with its session, and with the
// user.
func TestEnds(t *testing.T) {
	for name, code := range map[string]string{
		"password": `from django.contrib.auth.models import User
u = User.objects.get(); u.set_password("other"); u.save()`,
		"inactive": `from django.contrib.auth.models import User; User.objects.update(is_active=False)`,
		"expired": `from django.contrib.sessions.models import Session; from django.utils import timezone
Session.objects.update(expire_date=timezone.now())`,
		"deleted": `from django.contrib.sessions.models import Session; Session.objects.all().delete()`,
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t, engines[0])
			v := p.visit()
			v.login()
			v.open()
			p.shell(code)
			if _, status := v.dial("http://" + p.at); status != http.StatusUnauthorized {
				t.Errorf("the old login gets %d", status)
			}
		})
	}
}
