"""How the build's files become a tree that can be installed or moved."""

def _place(file):
    """Where a page or a completion file goes, below share/."""
    name = file.basename
    if file.extension in ("1", "5", "8"):
        return "man/man%s/%s" % (file.extension, name)
    if file.extension == "bash":
        return "bash-completion/completions/" + name[:-len(".bash")]
    if file.extension == "fish":
        return "fish/vendor_completions.d/" + name
    if name.startswith("_"):
        return "zsh/site-functions/" + name
    fail("no place for " + name)

def _tree_impl(ctx):
    tree = ctx.actions.declare_directory(ctx.attr.name)
    plan = [("program", file, "bin/" + file.basename) for file in ctx.files.programs]
    plan += [("program", file, "libexec/stave/" + file.basename) for file in ctx.files.helpers]
    plan += [("file", file, "share/" + _place(file)) for file in ctx.files.share]
    plan += [("folder", file, "share/stave/demo") for file in ctx.files.demo]
    args = ctx.actions.args()
    args.add(tree.path)
    for act, file, place in plan:
        args.add_all([act, file.path, place])
    ctx.actions.run_shell(
        mnemonic = "StageTree",
        outputs = [tree],
        inputs = [file for _, file, _ in plan],
        arguments = [args],
        command = """
            set -eu
            tree=$1; shift
            while [ $# != 0 ]; do
              to=$tree/$3
              mkdir -p "$(dirname "$to")"
              case $1 in
                program) strip -o "$to" "$2"; chmod 755 "$to" ;;
                file) cp "$2" "$to"; chmod 644 "$to" ;;
                folder) cp -rL "$2" "$to"; chmod -R u=rwX,go=rX "$to" ;;
              esac
              shift 3
            done
        """,
    )
    return [DefaultInfo(files = depset([tree]), runfiles = ctx.runfiles([tree]))]

stave_tree = rule(
    doc = "One directory: bin/, libexec/stave/, share/. The programs in it are stripped.",
    implementation = _tree_impl,
    attrs = {
        "demo": attr.label(allow_files = True),
        "helpers": attr.label_list(allow_files = True),
        "programs": attr.label_list(allow_files = True),
        "share": attr.label_list(allow_files = True),
    },
)

def _demo_image_impl(ctx):
    layout = ctx.actions.declare_directory(ctx.attr.name)
    ctx.actions.run(
        mnemonic = "DemoImage",
        executable = "/usr/bin/python3",
        outputs = [layout],
        inputs = [ctx.file.maker],
        arguments = [ctx.file.maker.path, ctx.attr.shell, layout.path],
    )
    return [DefaultInfo(files = depset([layout]), runfiles = ctx.runfiles([layout]))]

demo_image = rule(
    doc = "An OCI image layout with a static shell in it.",
    implementation = _demo_image_impl,
    attrs = {
        "maker": attr.label(allow_single_file = True),
        "shell": attr.string(doc = "path of a static busybox on this machine"),
    },
)
