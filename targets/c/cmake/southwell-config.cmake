# find_package(southwell) gives the target southwell::southwell, the static library for hosts.
get_filename_component(_southwell_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
find_package(Threads REQUIRED)
if(NOT TARGET southwell::southwell)
    add_library(southwell::southwell STATIC IMPORTED)
    set_target_properties(southwell::southwell PROPERTIES
        IMPORTED_LOCATION "${_southwell_prefix}/lib/libsouthwell_c.a"
        INTERFACE_INCLUDE_DIRECTORIES "${_southwell_prefix}/include"
        INTERFACE_LINK_LIBRARIES "Threads::Threads;m;${CMAKE_DL_LIBS}")
endif()
unset(_southwell_prefix)
