package plan_test

import (
	"fmt"
	"os"

	"github.com/e6d26078/slipway/release/manifest"
	"github.com/e6d26078/slipway/release/plan"
)

func Example() {
	last, err := manifest.Objects("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, namespace: prod}\ndata: {level: info}")
	if err != nil {
		fmt.Println(err)
		return
	}
	wanted, err := manifest.Objects("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, namespace: prod}\ndata: {level: debug}")
	if err != nil {
		fmt.Println(err)
		return
	}
	live := plan.Own(last[0], "web", "prod") // stands for what a cluster has
	p := plan.Compute(plan.Input{
		Release: "web", Namespace: "prod", Revision: 2, Operation: plan.Upgrade,
		Last: last, Wanted: wanted,
		Live: map[manifest.Ref]map[string]any{live.Ref: live.Fields},
	})
	if err := p.Text(os.Stdout, plan.TextOptions{}); err != nil {
		fmt.Println(err)
	}
	// Output:
	// upgrade of release web in namespace prod, revision 2
	//
	// ~ update  ConfigMap prod/web
	//     ~ data.level: info -> debug
	//
	// 1 to change
}
