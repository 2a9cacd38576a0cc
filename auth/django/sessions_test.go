package django

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/auth"
	"github.com/parleygo/parley/internal/servicetest"
)

const secret, password = "s3cret", "pbkdf2_sha256$1$x$y"

// row is what Django has written into django_session for user 7.
const row = ".eJxVjMEOwiAQRP-FsyHgAkWP3v0GsrusUjWQlPZk_HfbpAe9zGHem3mrhMtc0tJlSmNWZzWow29HyE-pG8gPrPemudV5" +
	"Gklvit5p19eW5XXZ3b-Dgr2sa_HkJTg-AjFRzEBEawRrOKMFBhSQIM7H7IwYN9jgTuAFAsdbME59vhMNOFI:1xXTy8:" +
	"BV_wS6hARUVZKyMkPD2UgCQp1vCqk9CPhTWnZqk_pDs"

const hash = "e5b5e64c23bcbb8d3bbbd3b610cda13c3ae3e6e458d40e047164935e36c8f604"

func find(context.Context, string) (*Account, error) {
	return &Account{Password: password, User: "ann"}, nil
}

func ask(t *testing.T, s *Sessions, cookies ...string) (*auth.Identity, error) {
	t.Helper()
	r := httptest.NewRequest("GET", "/", nil)
	for _, value := range cookies {
		r.AddCookie(&http.Cookie{Name: "sessionid", Value: value})
	}
	return s.Authenticate(t.Context(), &parley.Scope{Request: r})
}

// dumps is django.core.signing.dumps.
func dumps(t testing.TB, key, salt string, values map[string]any, at time.Time) string {
	t.Helper()
	text, err := json.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	seconds, stamp := at.Unix(), ""
	for ; seconds > 0; seconds /= 62 {
		stamp = digits[seconds%62:seconds%62+1] + stamp
	}
	value := base64.RawURLEncoding.EncodeToString(text) + ":" + stamp
	return value + ":" + base64.RawURLEncoding.EncodeToString(saltedHMAC(salt+"signer", key, value))
}

func TestCookies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now, day := time.Now(), 24*time.Hour
		login := map[string]any{userKey: "7", backendKey: "b", hashKey: hash}
		with := func(key string, value any) map[string]any {
			changed := map[string]any{key: value}
			for k, v := range login {
				if k != key {
					changed[k] = v
				}
			}
			return changed
		}
		good := dumps(t, secret, cookieSalt, login, now)
		for name, test := range map[string]struct {
			cookie  string
			options Options
			expires time.Duration // from now; 0 is nobody
		}{
			"logged in":        {good, Options{}, 14 * day},
			"older":            {dumps(t, secret, cookieSalt, login, now.Add(-13*day)), Options{}, day},
			"expired":          {dumps(t, secret, cookieSalt, login, now.Add(-14*day)), Options{}, 0},
			"shorter age":      {good, Options{CookieAge: time.Hour}, time.Hour},
			"own expiry":       {dumps(t, secret, cookieSalt, with(expiryKey, 60), now), Options{}, time.Minute},
			"own expiry, over": {dumps(t, secret, cookieSalt, with(expiryKey, 60), now.Add(-time.Minute)), Options{}, 0},
			"own expiry, long": {dumps(t, secret, cookieSalt, with(expiryKey, 1e9), now), Options{}, 14 * day},
			"fallback": {dumps(t, "old", cookieSalt, with(hashKey, hashOf("old", password)), now),
				Options{Fallbacks: []string{"older", "old"}}, 14 * day},
			"old key":          {dumps(t, "old", cookieSalt, login, now), Options{}, 0},
			"another salt":     {dumps(t, secret, storeSalt, login, now), Options{}, 0},
			"changed password": {dumps(t, secret, cookieSalt, with(hashKey, hashOf(secret, "x")), now), Options{}, 0},
			"no hash":          {dumps(t, secret, cookieSalt, with(hashKey, ""), now), Options{}, 0},
			"nobody":           {dumps(t, secret, cookieSalt, map[string]any{"theme": "dark"}, now), Options{}, 0},
			"id no text":       {dumps(t, secret, cookieSalt, with(userKey, 7), now), Options{}, 0},
			"backend":          {good, Options{Backends: []string{"a", "b"}}, 14 * day},
			"foreign backend":  {good, Options{Backends: []string{"a"}}, 0},
			"tampered":         {"x" + good, Options{}, 0},
			"cut":              {good[:len(good)-1], Options{}, 0},
			"no signature":     {strings.Split(good, ":")[0], Options{}, 0},
			"long":             {strings.Repeat("x", maxCookie+1), Options{}, 0},
			"empty":            {"", Options{}, 0},
		} {
			test.options.SecretKey, test.options.Identify = secret, find
			identity, err := ask(t, NewSessions(test.options), test.cookie)
			if err != nil || (identity != nil) != (test.expires != 0) {
				t.Errorf("%s: %+v, %v", name, identity, err)
				continue
			}
			if identity != nil && (identity.ID != "7" || identity.User != "ann" ||
				identity.Expires.Unix() != now.Add(test.expires).Unix()) {
				t.Errorf("%s: %+v", name, identity)
			}
		}
	})
}

// TestWhichCookie: a browser sends what a page of another subdomain has planted as well. It
// is Django's choice that counts: parse_cookie in django.http.
func TestWhichCookie(t *testing.T) {
	cookieOf := func(id string) string {
		return dumps(t, secret, cookieSalt,
			map[string]any{userKey: id, backendKey: "b", hashKey: hash}, time.Now())
	}
	ann, bob := cookieOf("ann"), cookieOf("bob")
	for header, want := range map[string]string{
		"sessionid=" + ann + "; sessionid=" + bob:           "bob",
		"sessionid=" + bob + "; a=b; sessionid=" + ann:      "ann",
		"sessionid=" + ann + "; sessionid=":                 "",
		"sessionid=" + ann + "; sessionid=x":                "",
		"sessionid=" + ann + "; Sessionid=" + bob:           "ann",
		"sessionid=\"" + ann + "\"":                         "ann",
		"sessionid=" + ann + "\nsessionid=" + bob:           "bob",
		"__Host-sessionid=" + bob + "; sessionid=" + ann:    "ann",
		"sessionid=" + ann + "; =" + bob + "; sessionids=x": "ann",
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["Cookie"] = strings.Split(header, "\n")
		identity, err := NewSessions(Options{SecretKey: secret, Identify: find}).Authenticate(
			t.Context(), &parley.Scope{Request: r})
		got := ""
		if identity != nil {
			got = identity.ID
		}
		if got != want || err != nil {
			t.Errorf("%.40q… is %q, %v, want %q", header, got, err, want)
		}
	}
}

func TestStores(t *testing.T) {
	broken := errors.New("no database")
	key := strings.Repeat("k", 32)
	for name, test := range map[string]struct {
		cookie string
		stored *Stored
		err    error
		good   bool
	}{
		"row":           {key, &Stored{Data: row, Expires: time.Now().Add(time.Hour)}, nil, true},
		"without end":   {key, &Stored{Data: row}, nil, true},
		"values":        {key, &Stored{Values: map[string]any{userKey: "7", hashKey: hash}}, nil, true},
		"expired":       {key, &Stored{Data: row, Expires: time.Now().Add(-time.Second)}, nil, false},
		"none":          {key, nil, nil, false},
		"corrupted":     {key, &Stored{Data: row[1:]}, nil, false},
		"down":          {key, nil, broken, false},
		"no key":        {"' OR 1=1 --", &Stored{Data: row}, nil, false},
		"short key":     {"abc", &Stored{Data: row}, nil, false},
		"capital":       {strings.ToUpper(key), &Stored{Data: row}, nil, false},
		"signed cookie": {row, &Stored{Data: row}, nil, false},
	} {
		store := StoreFunc(func(context.Context, string) (*Stored, error) { return test.stored, test.err })
		identity, err := ask(t, NewSessions(Options{SecretKey: secret, Store: store, Identify: find}), test.cookie)
		if (identity != nil) != test.good || !errors.Is(err, test.err) {
			t.Errorf("%s: %+v, %v", name, identity, err)
		}
	}
}

func TestUsers(t *testing.T) {
	store := StoreFunc(func(context.Context, string) (*Stored, error) { return &Stored{Data: row}, nil })
	broken := errors.New("no database")
	for name, test := range map[string]struct {
		account *Account
		err     error
	}{"gone": {}, "down": {err: broken}, "new password": {account: &Account{Password: "other"}}} {
		s := NewSessions(Options{SecretKey: secret, Store: store,
			Identify: func(context.Context, string) (*Account, error) { return test.account, test.err }})
		identity, err := ask(t, s, strings.Repeat("k", 32))
		if identity != nil || !errors.Is(err, test.err) {
			t.Errorf("%s: %+v, %v", name, identity, err)
		}
	}
}

func TestWiring(t *testing.T) {
	for name, o := range map[string]Options{
		"no key":         {Identify: find},
		"empty fallback": {SecretKey: "x", Fallbacks: []string{""}, Identify: find},
		"no Identify":    {SecretKey: "x"},
		"negative age":   {SecretKey: "x", Identify: find, CookieAge: -1},
	} {
		func() {
			defer func() {
				if text, _ := recover().(string); !strings.HasPrefix(text, "django: Options.") {
					t.Errorf("%s: panics with %q", name, text)
				}
			}()
			NewSessions(o)
		}()
	}
}

func TestTimes(t *testing.T) {
	want := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, value := range []any{want, "2026-01-02 03:04:05", []byte("2026-01-02 03:04:05.000000"),
		"2026-01-02T03:04:05Z"} {
		if got, err := timeOf(value); err != nil || !got.Equal(want) {
			t.Errorf("%v is %v, %v", value, got, err)
		}
	}
	for _, value := range []any{nil, 7, "soon"} {
		if got, err := timeOf(value); err == nil {
			t.Errorf("%v is %v", value, got)
		}
	}
}

// However a session is packed, it is unpacked within bounds.
func TestLargeSessions(t *testing.T) {
	values := func(size int) []byte {
		return []byte(`{"a":"` + strings.Repeat("x", size-len(`{"a":""}`)) + `"}`)
	}
	plain := base64.RawURLEncoding.EncodeToString
	compressed := func(values []byte) string {
		var packed bytes.Buffer
		writer := zlib.NewWriter(&packed)
		if _, err := writer.Write(values); err != nil {
			t.Fatal(err)
		}
		writer.Close()
		return "." + plain(packed.Bytes())
	}
	for name, test := range map[string]struct {
		data string
		good bool
	}{
		"plain":                      {plain(values(maxValues)), true},
		"plain, too large":           {plain(values(maxValues + 1)), false},
		"compressed":                 {compressed(values(maxValues)), true},
		"compressed, too large":      {compressed(values(maxValues + 1)), false},
		"a bomb":                     {compressed(values(50 << 20)), false},
		"much that is no session":    {strings.Repeat("x", maxData+1), false},
		"compressed, and no session": {"." + strings.Repeat("x", maxData+1), false},
	} {
		_, err := unpack(test.data)
		if (err == nil) != test.good || err != nil && !strings.Contains(err.Error(), "more than") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestDjango reads what a real Django writes.
func TestDjango(t *testing.T) {
	path := servicetest.Program(t, "/usr/bin/python3", "python3")
	if err := exec.Command(path, "-c", "import django").Run(); err != nil {
		if os.Getenv("PARLEY_REQUIRE_SERVICES") == "1" {
			t.Fatal("Django is required here")
		}
		t.Skip("no Django to test with")
	}
	output, err := exec.Command(path, "testdata/vectors.py", secret, password).Output()
	if err != nil {
		t.Fatal(err)
	}
	var django struct {
		Hash          string
		Cookies, Rows []string
		Anonymous     string
	}
	if err := json.Unmarshal(output, &django); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	if got := hashOf(secret, password); got != django.Hash {
		t.Errorf("the hash is %s, Django's is %s", got, django.Hash)
	}
	cookies := NewSessions(Options{SecretKey: secret, Identify: find})
	for i, cookie := range django.Cookies {
		identity, err := ask(t, cookies, cookie)
		if err != nil || identity == nil || identity.ID != "7" {
			t.Errorf("cookie %d: %+v, %v", i, identity, err)
		}
		if s := cookies.inCookie(cookie); i == 1 && (s == nil || s.text("text") != "é\u2028\U0001F600") {
			t.Errorf("its values are %+v", s)
		}
	}
	if identity, err := ask(t, cookies, django.Anonymous); identity != nil || err != nil {
		t.Errorf("the anonymous cookie: %+v, %v", identity, err)
	}
	for i, row := range django.Rows {
		store := StoreFunc(func(context.Context, string) (*Stored, error) { return &Stored{Data: row}, nil })
		s := NewSessions(Options{SecretKey: secret, Store: store, Identify: find})
		if identity, err := ask(t, s, strings.Repeat("k", 32)); err != nil || identity == nil {
			t.Errorf("row %d: %+v, %v", i, identity, err)
		}
	}
}

func FuzzCookie(f *testing.F) {
	login := map[string]any{userKey: "7", hashKey: hash}
	f.Add(dumps(f, secret, cookieSalt, login, time.Now()))
	f.Add(row)
	f.Add(".eJw:1:x")
	f.Add("::")
	s := NewSessions(Options{SecretKey: secret, Identify: find})
	f.Fuzz(func(t *testing.T, cookie string) {
		if s.inCookie(cookie) != nil {
			// Only who has the key makes one: it has to be signed as Django signs.
			rest, signature, _ := cutLast(cookie)
			if !signed(s.keys, cookieSalt, rest, signature) {
				t.Errorf("%q was taken", cookie)
			}
		}
		_, _ = unpack(cookie) // which comes to no harm
	})
}
