import re,os
# temp generator of BUILD (not kept)
here='libs/store'
order=['blobs','container','containers','folder','image_document','image_user','ingest','layered_tree','layers','name','name_link','pending','record','refs','resolve','store','trash']
vis_internal={'layered_tree','folder'}
out='package(default_visibility = ["//visibility:private"])\n'
M={'absl/status/status.h':'//third_party/absl:status','absl/status/statusor.h':'//third_party/absl:statusor','absl/types/span.h':'//third_party/absl:span','absl/time/':'//third_party/absl:time','absl/strings/':'//third_party/absl:strings','absl/cleanup/':'//third_party/absl:cleanup','gtest/':'//third_party/googletest:gtest_main','gmock/':'//third_party/googletest:gtest_main'}
def deps(files,self):
    d=set()
    for f in files:
        for inc in re.findall(r'#include "([^"]+)"',open(f).read()):
            if inc.startswith('libs/'):
                p,h=os.path.split(inc); n=h[:-2]
                if p==here and n=='test_store': d.add(':test_store')
                elif p==here:
                    if n!=self: d.add(':'+n)
                else: d.add('//%s:%s'%(p,n))
            else:
                for k,v in M.items():
                    if inc.startswith(k): d.add(v)
    return sorted(d)
def rule(kind,name,srcs,hdrs,ds,vis=None,extra=''):
    s='\n%s(\n    name = "%s",\n'%(kind,name)
    s+=extra
    s+='    srcs = [%s],\n'%', '.join('"%s"'%x for x in srcs)
    if hdrs: s+='    hdrs = [%s],\n'%', '.join('"%s"'%x for x in hdrs)
    if vis: s+='    visibility = [\n'+''.join('        "%s",\n'%v for v in vis)+'    ],\n'
    s+='    deps = [\n'+''.join('        "%s",\n'%v for v in ds)+'    ],\n)\n'
    return s
for n in order:
    if not os.path.exists(n+'.cc'): continue
    vis=None if n in vis_internal else ['//:engines_layer','//:tests_layer','//:tools_layer']
    out+=rule('cc_library',n,[n+'.cc'],[n+'.h'],deps([n+'.cc',n+'.h'],n),vis)
out+='\ncc_library(\n    name = "test_store",\n    testonly = True,\n    hdrs = ["test_store.h"],\n    deps = [\n'+''.join('        "%s",\n'%v for v in deps(['test_store.h'],'test_store'))+'    ],\n)\n'
for n in sorted(f[:-8] for f in os.listdir('.') if f.endswith('_test.cc')):
    out+=rule('cc_test',n+'_test',[n+'_test.cc'],None,deps([n+'_test.cc'],'')+[],None,'    size = "small",\n')
open('BUILD','w').write(out)
