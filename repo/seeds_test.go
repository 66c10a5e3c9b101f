package repo

func indexSeeds() []string {
	one := func(fields string) string {
		return "apiVersion: v1\nentries:\n  web:\n  - apiVersion: v2\n    name: web\n    version: 1.2.3\n" + fields + "generated: \"2026-01-02T03:04:05.6Z\"\n"
	}
	return []string{
		one(""),
		one("    created: \"2016-10-06T16:23:20.499814565-06:00\"\n    digest: 99c76e403d752c84ead610644d4b1c2f2b453a74b921f422b9dcb8a7c8b559cd\n    urls:\n    - https://example.com/web-1.2.3.tgz\n"),
		one("    description: a plain text\n      that goes on\n    home: 'it''s\n      quoted'\n    icon: \"a\\tb \\\n      c\\u00e9\"\n"),
		one("    annotations:\n      changes: |\n        - a\n          b\n\n        - c\n      strip: |-\n        x\n      folded: >-\n        a\n        b\n      \"k y\": z\n      keep: |+\n        a\n\n"),
		one("    annotations:\n      y: z\n"), one("    annotations: {}\n    keywords: []\n"),
		one("    dependencies:\n    - name: a\n      repository: file://x\n      tags:\n      - t\n      enabled: true\n      version: 1.x.x\n    - name: b\n      repository: \"\"\n      import-values:\n      - child: a\n        parent: b\n"),
		one("    maintainers:\n    - email: a@b.c\n      name: A\n    - name: B\n      url: https://x\n"),
		one("    deprecated: true\n    removed: false\n    type: library\n    appVersion: 1.10\n"),
		one("    appVersion: \"1.10\"\n    kubeVersion: '>=1.20'\n    appVersion: x\n"),
		one("    home: a: b\n"), one("    home: a #b\n"), one("    home: &a b\n    icon: *a\n"), one("    home: \"a\n  - version: 9.9.9\n    x\"\n"),
		one("    unknown: 1\n"), one("    digest: 0b10\n    engine: 0x1f\n"), one("    home: null\n    icon: ~\n    tags: 1e3\n"), one("  - null\n  -\n    name: web\n"),
		one("    version: v1\n"), one("  -  name: web\n"), one("  other: []\n"), one("  other:\n"), one("  web:\n  - name: w\n"), one("  1e3:\n  - name: w\n"), one("   x: y\n"),
		one("publicKeys:\n- a\nserverInfo:\n  a: {}\nannotations:\n  a: b\n"), one("Entries:\n  a: []\n"), one("# comment\n"), one("    # comment\n"),
		one("    home: \"\n      a\"\n    urls:\n    - \"a\n      b\"\n    -\nfoo\n"), one("    keywords:\n    - \"a\\\\\"\n    - \"\n      b\"\n    - \"x\": y\n"), one("    keywords:\n    -"),
		"apiVersion: v1\nentries:\n  a:\n  - engine:\n", "entries: {}\napiVersion: v1\n", "entries:\napiVersion: v1\n", "entries: []\n", "{}", "apiVersion: v1", "---\napiVersion: v1\nentries: {}\n",
		`{"apiVersion":"v1","entries":{"web":[{"name":"web","version":"1.0.0","urls":["a"]}]}}`,
	}
}
