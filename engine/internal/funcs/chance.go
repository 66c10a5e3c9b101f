package funcs

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/e6d26078/slipway/engine/internal/tmpl"
)

// WithoutChance changes a table so that the functions of chance and of time
// give results that depend on their arguments and the seed alone. What they
// give has the form of what they stand for, and is worthless as a secret. It
// is for renders whose text is compared and never used.
func WithoutChance(t tmpl.Table, seed uint64) tmpl.Table {
	for name, f := range t {
		if !f.Random || isGiven(name) {
			continue
		}
		t[name] = tmpl.Func{Fn: fixed(name, reflect.TypeOf(f.Fn), seed), Random: true}
	}
	return t
}

// isGiven reports whether a function gets what it works on: a time, or the cluster.
func isGiven(name string) bool {
	switch name {
	case "date", "date_in_zone", "dateInZone", "htmlDate", "htmlDateInZone", "durationRound", "getHostByName", "lookup":
		return true
	}
	return false
}

// fixed makes a function of the type whose result comes from a digest of its name, its arguments and the seed.
func fixed(name string, typ reflect.Type, seed uint64) any {
	return reflect.MakeFunc(typ, func(args []reflect.Value) []reflect.Value {
		h := sha256.New()
		_ = binary.Write(h, binary.LittleEndian, seed)
		fmt.Fprint(h, name)
		size := 0
		for _, arg := range args {
			fmt.Fprintf(h, "\x00%v", arg.Interface())
			if arg.CanInt() {
				size = int(min(max(arg.Int(), 0), maxFixed))
			}
		}
		d := &digest{sum: h.Sum(nil)}
		results := make([]reflect.Value, typ.NumOut())
		for i := range results {
			results[i] = reflect.Zero(typ.Out(i))
		}
		results[0] = d.value(name, typ.Out(0), size, seed)
		return results
	}).Interface()
}

// maxFixed bounds the length of a text that stands for a random one.
const maxFixed = 1 << 20

// digest is a source of bytes without an end.
type digest struct{ sum []byte }

func (d *digest) next() byte {
	b := d.sum[0]
	if d.sum = d.sum[1:]; len(d.sum) == 1 {
		sum := sha256.Sum256(d.sum)
		d.sum = sum[:]
	}
	return b
}

func (d *digest) text(alphabet string, size int) string {
	var b strings.Builder
	for range size {
		b.WriteByte(alphabet[int(d.next())%len(alphabet)])
	}
	return b.String()
}

const (
	digits  = "0123456789"
	letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	hexes   = "0123456789abcdef"
)

// value returns a result of the type, in the form of the named function's.
func (d *digest) value(name string, typ reflect.Type, size int, seed uint64) reflect.Value {
	v := reflect.New(typ).Elem()
	switch {
	case typ == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.Date(2001+int(seed%7), time.Month(1+seed%12), 3+int(seed%20), 4+int(seed%9), 5+int(seed), 6+int(seed), int(seed), time.UTC)))
	case v.CanInt():
		v.SetInt(int64(d.next()))
	case v.Kind() == reflect.String:
		v.SetString(d.string(name, size))
	case v.Kind() == reflect.Struct: // a certificate
		for i := range v.NumField() {
			if v.Field(i).CanSet() && v.Field(i).Kind() == reflect.String {
				v.Field(i).SetString(d.pem(typ.Field(i).Name))
			}
		}
	}
	return v
}

func (d *digest) string(name string, size int) string {
	switch name {
	case "randNumeric":
		return d.text(digits, size)
	case "randAlpha":
		return d.text(letters, size)
	case "randAlphaNum", "randAscii":
		return d.text(letters+digits, size)
	case "randBytes":
		return base64.StdEncoding.EncodeToString([]byte(d.text(letters, size)))
	case "uuidv4":
		return d.text(hexes, 8) + "-" + d.text(hexes, 4) + "-4" + d.text(hexes, 3) + "-8" + d.text(hexes, 3) + "-" + d.text(hexes, 12)
	case "ago":
		return d.text(digits[1:], 5) + "s"
	case "genPrivateKey":
		return d.pem("PRIVATE KEY")
	case "bcrypt":
		return "$2a$10$" + d.text(letters+digits, 53)
	case "htpasswd":
		return "user:$2a$10$" + d.text(letters+digits, 53)
	}
	return base64.StdEncoding.EncodeToString([]byte(d.text(letters, 24)))
}

func (d *digest) pem(what string) string {
	what = strings.ToUpper(what)
	return "-----BEGIN " + what + "-----\n" + d.text(letters, 64) + "\n-----END " + what + "-----\n"
}
