package lint

import (
	"testing"

	"github.com/asaskevich/govalidator"
)

var addresses = []string{
	"", "a@b.cd", "a@b", "a.b+c@d-e.f.gh.", "Ä@ö.de", "a b@c.de", `"a b"@c.de`, "\"a(\x01\"@c.de", "a@b.c1d", "a@-b.cd", "a@b..cd", "a`b@c.de",
	"http://a.b", "https://user:pw@host:80/path?x#y", "a.b", ".a.b", "a:80", "ftp://a", "www.a.de", "http://1.2.3.4", "http://[::1]:80/",
	"http://[fe80::1%eth0]/", "http://a b", "http://a_b.de", "a-.de", "http://a.b/ c", "http://.a.de", "nothing", "a/b", "x.y:99999", "x.y:999999", "mailto:a@b.de",
	"http://[::ffff:1.2.3.4]", "http://[1:2:3:4:5:6:7:8]", "http://[1::8]", "https://ä.de", "a--b.de", "http://a.", "http://-a.de",
}

func compareAddress(t *testing.T, text string) {
	t.Helper()
	for name, pair := range map[string][2]bool{
		"email":       {govalidator.IsEmail(text), isEmail(text)},
		"url":         {govalidator.IsURL(text), isURL(text)},
		"request url": {govalidator.IsRequestURL(text), isRequestURL(text)},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%q as %s: Helm says %v, we say %v", text, name, pair[0], pair[1])
		}
	}
}

func TestAddressesAreCheckedAsHelmDoes(t *testing.T) {
	for _, text := range addresses {
		compareAddress(t, text)
	}
}

func FuzzAddress(f *testing.F) {
	for _, text := range addresses {
		f.Add(text)
	}
	f.Fuzz(compareAddress)
}
