package cli

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"github.com/e6d26078/slipway/release"
)

func TestListChoosesAndSortsByMetadata(t *testing.T) {
	at := func(second int64) time.Time { return time.Unix(second, 0).UTC() }
	all := []release.Meta{
		{Name: "b", Namespace: "east", Version: 1, Status: release.StatusSuperseded, CreatedAt: at(5)},
		{Name: "b", Namespace: "east", Version: 2, Status: release.StatusDeployed, CreatedAt: at(30), ModifiedAt: at(99)},
		{Name: "c", Namespace: "east", Version: 1, Status: release.StatusUninstalled, CreatedAt: at(40)},
		{Name: "a", Namespace: "west", Version: 1, Status: release.StatusDeployed, ModifiedAt: at(20), Labels: map[string]string{"team": "x"}},
		{Name: "b", Namespace: "west", Version: 8, Status: release.StatusDeployed, CreatedAt: at(1)},
		{Name: "b", Namespace: "west", Version: 9, Status: release.StatusFailed, CreatedAt: at(10)},
		{Name: "d", Namespace: "west", Version: 1, Status: release.StatusPendingUpgrade, CreatedAt: at(50)},
		{Name: "e", Namespace: "west", Version: 1, Status: "", CreatedAt: at(50)},
	}
	tests := []struct{ args, want string }{
		{"", "west/a1 east/b2 west/b9"},
		{"-r", "west/b9 east/b2 west/a1"},
		{"-d", "west/b9 west/a1 east/b2"},
		{"-d -r", "east/b2 west/a1 west/b9"},
		{"-a", "west/a1 east/b2 west/b9 east/c1 west/d1"},
		{"-a -m 2", "west/a1 east/b2"},
		{"-a -m 2 --offset 4", "west/d1"},
		{"-a --offset 5", ""},
		{"-m 0", "west/a1 east/b2 west/b9"},
		{"--deployed", "west/a1 east/b2"},
		{"--failed", "west/b9"},
		{"--pending --uninstalled", "east/c1 west/d1"},
		{"--uninstalling", ""},
		{"--superseded", "east/b1"},
		{"--superseded --deployed", "west/a1 east/b2"},
		{"-l team=x", "west/a1"},
		{"-l team!=x", "east/b2 west/b9"},
		{"-l name=a", ""}, // labels of the store itself are none of the release's
		{"-f ^b$", "east/b2 west/b9"},
	}
	for _, test := range tests {
		t.Run(test.args, func(t *testing.T) {
			o := &listOptions{}
			flags := pflag.NewFlagSet("", pflag.ContinueOnError)
			flags.SetOutput(io.Discard)
			o.register(flags)
			if err := flags.Parse(strings.Fields(test.args)); err != nil {
				t.Fatal(err)
			}
			keep, err := o.keeper()
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			var kept []release.Meta
			for _, m := range o.newest(all) {
				if keep(m) {
					kept = append(kept, m)
				}
			}
			for _, m := range o.page(kept) {
				got = append(got, fmt.Sprintf("%s/%s%d", m.Namespace, m.Name, m.Version))
			}
			if diff := cmp.Diff(test.want, strings.Join(got, " ")); diff != "" {
				t.Error(diff)
			}
		})
	}
}
